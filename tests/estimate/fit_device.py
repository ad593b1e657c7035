"""Fit a profile to published latencies: `python -m tests.estimate.fit_device rpi3`.

Least squares on the logarithm of predicted / published, with a weak pull towards plausible values so that what the data
do not determine stays sensible. Starts from the profile's own peaks and prints what to write into it. `--hold-out`
leaves each network out of the fit in turn and prints how well it is then predicted: the error to expect of a network
that nobody measured. Needs scipy (with `slim[train]`).
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
from scipy.optimize import least_squares

from slim.devices import Device, load_device
from tests.estimate.ncnn import NETWORKS, predicted, published

FP32, INT8 = ("conv", "winograd", "pointwise", "depthwise"), ("conv", "pointwise", "depthwise")
USUAL = np.log([0.6, 1.0, 0.6, 0.25, 0.4, 0.4, 0.2])
MOST = np.log([0.95, 2.5, 0.95, 0.8, 0.95, 0.95, 0.95])
"""Nobody passes 0.95 of the peak, except where a transform saves multiplications."""


def fitted(device: Device, data: dict[tuple[str, int], float]) -> Device:
    """The device with efficiencies, speedup and bandwidths that fit the data best."""
    most = device.cores
    bandwidths = np.log([device.bandwidth_bytes_per_s[1], device.bandwidth_bytes_per_s[most]])
    start = np.concatenate([USUAL, bandwidths, np.log([0.85 * most])])
    pull = np.array([0.1] * 7 + [0.15] * 2 + [0.1])
    limit = np.concatenate([MOST, [60, 60], [np.log(most)]]) + 1e-9

    def residuals(x: np.ndarray) -> np.ndarray:
        candidate = _with(device, np.exp(x))
        errors = [np.log(predicted(candidate, *key) / seconds) for key, seconds in data.items()]
        return np.concatenate([errors, pull * (x - start)])

    return _with(device, np.exp(least_squares(residuals, np.minimum(start, limit), bounds=(-np.inf, limit)).x))


def _with(device: Device, x: np.ndarray) -> Device:
    fp32 = dict(zip(FP32, x[:4].tolist(), strict=True))
    int8 = dict(zip(INT8, x[4:7].tolist(), strict=True))
    return replace(
        device,
        efficiency={"fp32": fp32 | {"dense": fp32["pointwise"]}, "int8": int8 | {"dense": int8["pointwise"]}},
        bandwidth_bytes_per_s={1: float(x[7]), device.cores: float(x[8])},
        speedup={1: 1.0, device.cores: float(x[9])},
    )


def worst_factor(device: Device, data: dict[tuple[str, int], float], int8: bool) -> float:
    """The largest factor between prediction and publication."""
    ratios = [predicted(device, *key) / seconds for key, seconds in data.items() if key[0].endswith("_int8") == int8]
    return max(max(ratio, 1 / ratio) for ratio in ratios)


def main() -> None:
    device = load_device(sys.argv[1])
    data = published(device)
    if "--hold-out" in sys.argv:
        for name in NETWORKS:
            held = {key: s for key, s in data.items() if key[0].removesuffix("_int8") == name}
            if held:
                fit = fitted(device, {key: s for key, s in data.items() if key not in held})
                print(f"{name}: fp32 within {worst_factor(fit, held, False):.2f}x")
        return
    fit = fitted(device, data)
    for precision, table in fit.efficiency.items():
        print(f"[efficiency.{precision}]", *(f"{kind} = {value:.2f}" for kind, value in table.items()), sep="\n")
    print("speedup", fit.speedup, "bandwidth", fit.bandwidth_bytes_per_s)
    print(f"worst_factor = {worst_factor(fit, data, False):.2f}, int8 {worst_factor(fit, data, True):.2f}")


if __name__ == "__main__":
    main()
