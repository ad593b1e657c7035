"""Each layer of slim beside what one core could do: which layers hold a network back, and how far from their bound.

    python -m benchmarks.layers MODEL.onnx [--precision int8] [--threads 2] [--isa avx2]

What `slim bench --profile` shows, of a benchmark's network: int8 is calibrated on seeded normal values here, the steps
are pinned, and the peak is measured before and after.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.machine import measure_peak
from benchmarks.networks import SAMPLES
from slim.errors import SlimError
from slim.estimate.layers import layers_of
from slim.estimate.profile import LayerTime, bounded, join
from slim.graph import simplify
from slim.load import load
from slim.lower import lower
from slim.quantize import quantize
from slim.runtime import ISAS, Session
from slim.runtime.peak import best_peak, cache_bytes


def measure_layers(path: Path, precision: str, threads: int, isa: str, runs: int) -> list[LayerTime]:
    """Median time of each step of a model on seeded normal inputs, with its work.

    Raises SlimError for a model that cannot be read or lowered."""
    model, _ = simplify(load(path))
    if precision == "int8":
        model, _ = quantize(model, [_feeds(model, seed) for seed in range(1, SAMPLES + 1)])
    layers = layers_of(model)
    session = Session(lower(model), threads=threads, isa=isa)
    return join(session.profile(_feeds(model, 0), runs), layers)


def _feeds(model: object, seed: int) -> Mapping[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    inputs = model.graph.inputs  # type: ignore[attr-defined]
    return {value.name: rng.standard_normal(tuple(value.shape), np.float32) for value in inputs}


def table(layers: Sequence[LayerTime]) -> str:
    """One line a step, then the totals; `of bound` is what is left to gain: 100 % is at the limit of the machine."""
    whole = sum(layer.seconds for layer in layers)
    columns = f"{'us':>9} {'%':>5} {'MMAC':>8} {'GFLOP/s':>8} {'of peak':>7} {'GB/s':>6} {'of bound':>8}"
    lines = [f"{columns}  bound   operator and name"]
    for layer in layers:
        share = f"{layer.of_peak:7.0%}" if layer.of_peak is not None else f"{'-':>7}"
        bound = f"{layer.bound_s / layer.seconds:8.0%}" if layer.bound_s else f"{'-':>8}"
        kind = "bytes " if layer.memory_bound else "arith." if layer.macs else "      "
        lines.append(
            f"{1e6 * layer.seconds:9.1f} {100 * layer.seconds / whole:5.1f} {1e-6 * layer.macs:8.2f} "
            f"{layer.gflops:8.1f} {share} {layer.gb_s:6.1f} {bound}  {kind}  {layer.operator} {layer.name}"
        )
    macs, limit = sum(layer.macs for layer in layers), sum(layer.bound_s for layer in layers)
    gflops = 2e-9 * macs / whole
    rate = next((layer.peak_gops for layer in layers if layer.macs), None)
    share = f", {gflops / rate:.0%} of peak" if rate else ""
    lines.append(
        f"{1e6 * whole:9.1f} in all, {1e-6 * macs:.1f} MMAC, {gflops:.1f} GFLOP/s{share}; bound {1e6 * limit:.1f} us"
    )
    lines.append("\nby operator:")
    for operator in sorted({layer.operator for layer in layers}, key=lambda o: -_seconds(layers, o)):
        same = [layer for layer in layers if layer.operator == operator]
        seconds, limit = _seconds(layers, operator), sum(layer.bound_s for layer in same)
        lines.append(
            f"{1e6 * seconds:9.1f} {100 * seconds / whole:5.1f} %, {len(same):3} steps, "
            f"{1e6 * max(0.0, seconds - limit):9.1f} us above the bound  {operator}"
        )
    return "\n".join(lines)


def _seconds(layers: Sequence[LayerTime], operator: str) -> float:
    return sum(layer.seconds for layer in layers if layer.operator == operator)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for a model that cannot be run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layers", description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--precision", choices=("fp32", "int8"), default="fp32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--isa", choices=ISAS, default="auto")
    parser.add_argument("--runs", type=int, default=30)
    options = parser.parse_args(arguments)
    cores = sorted(os.sched_getaffinity(0))
    try:
        peaks = [measure_peak(cores[-1])]
        os.sched_setaffinity(0, cores[-options.threads :])
        layers = measure_layers(options.model, options.precision, options.threads, options.isa, options.runs)
        peak = best_peak([*peaks, measure_peak(cores[-1])])
    except SlimError as error:
        print(f"benchmarks.layers: {error}", file=sys.stderr)
        return 2
    finally:
        os.sched_setaffinity(0, cores)
    print(table(bounded(layers, peak, options.threads, cache_bytes())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
