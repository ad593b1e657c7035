"""Published ncnn latencies, and what slim's profiles predict for the same networks.

ncnn uses Winograd transforms for 3x3 convolutions, and fp16 arithmetic where the processor has it: predictions are made
with the arithmetic that was measured, so that they are comparable; slim's own use fp32.
"""

import csv
from dataclasses import replace
from functools import cache

from slim.devices import Device
from slim.estimate.layers import Layer, layers_of
from slim.estimate.roofline import layer_seconds
from tests.data import data_path
from tests.estimate.models import network

NETWORKS = {
    "mobilenet": ("mobilenet-v1", None),
    "mobilenet_v2": ("mobilenet-v2", None),
    "mobilenet_v3": ("mobilenet-v3-large", None),
    "squeezenet": ("squeezenet-v1.1", (1, 3, 227, 227)),
    "resnet18": ("resnet18", None),
    "resnet50": ("resnet50", None),
}
"""ncnn's name of a network: our graph of it, and its input where it differs."""


@cache
def network_layers(name: str) -> tuple[Layer, ...]:
    """The layers of one of NETWORKS; `NAME_int8` has all of them in 8 bits."""
    layers = layers_of(network(*NETWORKS[name.removesuffix("_int8")]))
    return tuple(_in_int8(layer) for layer in layers) if name.endswith("_int8") else layers


def _in_int8(layer: Layer) -> Layer:
    def narrow(activations):
        return tuple(replace(activation, bytes=activation.bytes // 4) for activation in activations)

    inputs, outputs = narrow(layer.inputs), narrow(layer.outputs)
    return replace(layer, integer=True, weight_bytes=layer.weight_bytes // 4, inputs=inputs, outputs=outputs)


def published(device: Device) -> dict[tuple[str, int], float]:
    """(network, threads) -> the least of the published minimum seconds, for the thread counts of the calibration."""
    assert device.calibration is not None
    found: dict[tuple[str, int], float] = {}
    with open(data_path("latency", "ncnn.csv"), newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = row["model"], int(row["threads"])
            known = key[0].removesuffix("_int8") in NETWORKS and key[1] in device.calibration.threads
            if known and row["device"].startswith(device.calibration.device):
                found[key] = min(float(row["min_ms"]) / 1e3, found.get(key, float("inf")))
    return found


def predicted(device: Device, name: str, threads: int) -> float:
    """Seconds, with the arithmetic and the transforms of the published measurement."""
    assert device.calibration is not None
    precision = device.calibration.precision
    return sum(
        layer_seconds(layer, device, threads, precision=precision, winograd=True) for layer in network_layers(name)
    )
