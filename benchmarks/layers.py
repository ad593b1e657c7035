"""Each layer of slim beside what one core could do: which layers hold a network back, and how far from their bound.

    python -m benchmarks.layers MODEL.onnx [--precision int8] [--threads 2] [--isa avx2]

Times come from the core's own steps (`Session.profile`), MACs and bytes from `slim.estimate`, the peak from `peak.c`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.environments import BenchError
from benchmarks.machine import Peak, best_peak, measure_peak
from benchmarks.networks import SAMPLES
from slim.errors import SlimError
from slim.estimate.layers import Layer, layers_of
from slim.graph import simplify
from slim.load import load
from slim.lower import lower
from slim.quantize import quantize
from slim.runtime import ISAS, Session, StepTime

L2_BYTES = 1 << 20  # where the system does not say
L3_BYTES = 32 << 20


@dataclass(frozen=True)
class LayerTime:
    """One step of the program. `bound_s` is the time below which it cannot go without doing less work.

    Bytes are those of its activations and weights, each once; steps that only rearrange have neither MACs nor bytes."""

    name: str
    operator: str
    seconds: float
    macs: int = 0
    activation_bytes: int = 0
    weight_bytes: int = 0
    bound_s: float = 0.0
    memory_bound: bool = False

    @property
    def gflops(self) -> float:
        """Operations a second in units of 1e9, a MAC counted as two."""
        return 2e-9 * self.macs / self.seconds

    @property
    def gb_s(self) -> float:
        """Bytes a second in units of 1e9."""
        return 1e-9 * (self.activation_bytes + self.weight_bytes) / self.seconds


def join(steps: Sequence[StepTime], layers: Sequence[Layer]) -> list[LayerTime]:
    """Steps of the core with the work of the layers that they carry out.

    A step bears the name of a layer's first node; a layer with MACs that no step is named after was fused into the one
    before it."""
    names = {step.name for step in steps}
    work: dict[str, LayerTime] = {}
    current = ""
    for layer in layers:
        current = layer.name if layer.name in names else current
        if current != layer.name and not (layer.macs and current):
            continue
        before = work.get(current, LayerTime(current, "", 0.0))
        work[current] = replace(
            before,
            macs=before.macs + layer.macs,
            activation_bytes=before.activation_bytes + layer.activation_bytes,
            weight_bytes=before.weight_bytes + layer.weight_bytes,
        )
    empty = LayerTime("", "", 0.0)
    return [
        replace(work.get(step.name, empty), name=step.name, operator=step.operator, seconds=step.seconds)
        for step in steps
    ]


def cache_bytes() -> tuple[int, int]:
    """Sizes of the second and third level of cache."""
    sizes = {}
    for folder in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        text = (folder / "size").read_text().strip()
        sizes[(folder / "level").read_text().strip()] = int(text.rstrip("KMG")) << {"K": 10, "M": 20, "G": 30}[text[-1]]
    return sizes.get("2", L2_BYTES), sizes.get("3", L3_BYTES)


def bounded(
    layers: Sequence[LayerTime], peak: Peak, precision: str, threads: int, caches: tuple[int, int]
) -> list[LayerTime]:
    """The layers with their bound: arithmetic at the peak of `threads` cores, or moving the bytes, whichever is longer.

    Activations move at the speed of the level that holds them; weights at that of the level that holds all of the
    network's, since each is read once a run."""
    l2, l3 = caches
    rate = (peak.of(precision) or float("inf")) * 1e9 * threads
    reads = {level: 1e9 * speed for level, speed in peak.read_gb_s.items()}
    total = sum(layer.weight_bytes for layer in layers)
    weights_at = reads["l2"] if total <= l2 else reads["l3"] if total <= l3 else reads["dram"]
    found = []
    for layer in layers:
        activations_at = reads["l2"] if layer.activation_bytes <= l2 else reads["l3"]
        # the shared levels do not get faster with a second core by much, so bytes are not divided
        memory = layer.activation_bytes / activations_at + layer.weight_bytes / weights_at
        arithmetic = 2 * layer.macs / rate
        found.append(replace(layer, bound_s=max(memory, arithmetic), memory_bound=memory > arithmetic))
    return found


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


def table(layers: Sequence[LayerTime], peak: Peak, precision: str, threads: int) -> str:
    """One line a step, then the totals; `of bound` is what is left to gain: 100 % is at the limit of the machine."""
    whole = sum(layer.seconds for layer in layers)
    rate = peak.of(precision)
    columns = f"{'us':>9} {'%':>5} {'MMAC':>8} {'GFLOP/s':>8} {'of peak':>7} {'GB/s':>6} {'of bound':>8}"
    lines = [f"{columns}  bound   operator and name"]
    for layer in layers:
        share = f"{layer.gflops / (rate * threads):7.0%}" if rate and layer.macs else f"{'-':>7}"
        bound = f"{layer.bound_s / layer.seconds:8.0%}" if layer.bound_s else f"{'-':>8}"
        kind = "bytes " if layer.memory_bound else "arith." if layer.macs else "      "
        lines.append(
            f"{1e6 * layer.seconds:9.1f} {100 * layer.seconds / whole:5.1f} {1e-6 * layer.macs:8.2f} "
            f"{layer.gflops:8.1f} {share} {layer.gb_s:6.1f} {bound}  {kind}  {layer.operator} {layer.name}"
        )
    macs, limit = sum(layer.macs for layer in layers), sum(layer.bound_s for layer in layers)
    gflops = 2e-9 * macs / whole
    share = f", {gflops / (rate * threads):.0%} of peak" if rate else ""
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
    except (SlimError, BenchError) as error:
        print(f"benchmarks.layers: {error}", file=sys.stderr)
        return 2
    finally:
        os.sched_setaffinity(0, cores)
    layers = bounded(layers, peak, options.precision, options.threads, cache_bytes())
    print(table(layers, peak, options.precision, options.threads))
    return 0


if __name__ == "__main__":
    sys.exit(main())
