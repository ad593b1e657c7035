"""Seconds of one layer on a device: time to compute plus time to move bytes plus a fixed overhead.

    compute = macs / (clock * macs_per_cycle * efficiency[kind] * speedup[threads]), or element_ops / their own rate
    memory  = (activations read and written + weights) / bandwidth[threads]

The two are added, not overlapped: fitted to published ncnn latencies of six float networks, the sum leaves a largest
error of 1.20 to 1.28 on the Raspberry Pis and the Jetson, the usual max(compute, memory) 1.28 to 1.36.
Efficiencies, speedups and bandwidths come from the device profile; docs/adding-a-device.md says how they are fitted and
how far to trust them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

from slim.core.operators import OPERATORS
from slim.devices import Device
from slim.estimate.layers import Layer

ELEMENT_RATE = 0.25
"""Element operations a cycle, relative to fp32 MACs a cycle: a load, a store and a compare around each."""

CORE_HAS_WINOGRAD = any("winograd" in name for name in OPERATORS)


def layer_seconds(
    layer: Layer, device: Device, threads: int, *, precision: str = "fp32", winograd: bool = CORE_HAS_WINOGRAD
) -> float:
    """Predicted seconds of one layer. `precision` is the arithmetic of float layers: fp32, or fp16 to compare with
    engines that use it. `winograd`: whether 3x3 convolutions use the efficiency fitted with such transforms."""
    if layer.free:
        return 0.0
    speedup = by_threads(device.speedup, threads)
    float_peak = device.fp16_macs_per_cycle if precision == "fp16" else device.fp32_macs_per_cycle
    peak = device.int8_macs_per_cycle if layer.integer else float_peak
    efficiency = device.efficiency["int8" if layer.integer else "fp32"]
    kind = "winograd" if layer.winograd and winograd and not layer.integer else str(layer.kind)
    rate = device.clock_hz * speedup
    compute = layer.macs / (rate * peak * efficiency[kind]) if layer.macs else 0.0
    if not layer.macs:  # behind a convolution they are done in registers
        compute += layer.element_ops / (rate * float_peak * ELEMENT_RATE)
    width = 0.5 if precision == "fp16" and not layer.integer else 1.0
    moved = (layer.activation_bytes + layer.weight_bytes) * width
    return compute + moved / by_threads(device.bandwidth_bytes_per_s, threads) + device.layer_overhead_s


def by_threads(table: Mapping[int, float], threads: int) -> float:
    """A figure measured at some thread counts, at another: between two of them geometrically, outside the nearest."""
    counts = sorted(table)
    if threads <= counts[0]:
        return table[counts[0]]
    for low, high in pairwise(counts):
        if threads <= high:
            share = math.log(threads / low) / math.log(high / low)
            return float(table[low] * (table[high] / table[low]) ** share)
    return table[counts[-1]]
