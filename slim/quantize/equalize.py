"""Cross-layer equalization: give the channels of an activation like ranges, so that one scale serves them all.

Multiplying channel c of a value by s[c] > 0 and dividing the next layer's weights for that channel by s[c] changes
nothing in float as long as everything between commutes with the factor (Nagel et al. 2019, arXiv 1906.04721). What is
free for the activation costs weight precision where the next layer mixes channels, so the exponent of the factors is
chosen per region by the estimated noise of both. A depthwise layer mixes nothing and takes any factor.

ReLU6 does not commute. Here a factor on a value clipped at b is at least 1 and leaves the channel's largest value seen
below b: the clip, which was above all that the channel holds, then lies just above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from slim.quantize.calibrate import Statistics
from slim.quantize.insert import constant
from slim.quantize.plan import HEAVY, Plan, activations, is_constant

COMMUTING = {"Relu", "Clip", "MaxPool", "AveragePool", "GlobalAveragePool", "Add", "Identity", "LeakyRelu"}
EXPONENTS = (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)
MOST_FACTOR = 8.0
MUST_GAIN = 0.98  # stronger factors have to promise at least this much less noise
CLIP_MARGIN = 1.3  # above the largest value seen in a channel
UNSEEN = 0.25  # of the mean peak, added to each: a channel that the samples hardly woke may do more on other data

Floats = npt.NDArray[np.float64]


@dataclass
class Region:
    """Values that must share their channels' factors, the layers that make them and the layers that use them."""

    values: list[ir.Value] = field(default_factory=list)
    producers: list[ir.Node] = field(default_factory=list)
    consumers: list[ir.Node] = field(default_factory=list)
    clips: list[tuple[ir.Value, float]] = field(default_factory=list)  # a clip's output and its upper bound


def equalize(model: ir.Model, plan: Plan, seen: Mapping[ir.Value, Statistics]) -> int:
    """Scale the channels of every region in place; returns how many regions changed."""
    changed = 0
    for region in find_regions(model, plan):
        factors = choose_factors(region, plan, seen)
        if factors is not None:
            _apply(model.graph, region, factors)
            changed += 1
    return changed


def find_regions(model: ir.Model, plan: Plan) -> list[Region]:
    """Maximal sets of values joined by commuting operators, with nothing but integer layers around them."""
    parent: dict[ir.Value, ir.Value] = {}

    def root(value: ir.Value) -> ir.Value:
        while (above := parent.setdefault(value, value)) is not value:
            value = above
        return value

    nodes = list(model.graph)
    for node in nodes:
        if _commutes(node):
            first = root(node.outputs[0])
            for value in activations(node):
                parent[root(value)] = first
    regions: dict[ir.Value, Region] = {}
    spoilt = {root(value) for value in [*model.graph.inputs, *model.graph.outputs]}
    for node in nodes:
        for value in node.outputs:
            regions.setdefault(root(value), Region()).values.append(value)
        heavy = node in plan.integer and node.op_type in HEAVY
        if heavy and node.op_type == "Conv":
            regions[root(node.outputs[0])].producers.append(node)
        elif not _commutes(node):
            spoilt.update(root(value) for value in node.outputs)
        if heavy and node.inputs[0] is not None and root(node.inputs[0]) in regions:
            regions[root(node.inputs[0])].consumers.append(node)
        elif not _commutes(node):
            spoilt.update(root(value) for value in node.inputs if value is not None and not is_constant(value))
        if node.op_type == "Clip" and _commutes(node):
            regions[root(node.outputs[0])].clips.append((node.outputs[0], _bound(node, 2, np.inf)))
    return [
        region for key, region in regions.items() if key not in spoilt and region.producers and region.consumers
    ]  # fmt: skip


def _bound(node: ir.Node, index: int, default: float) -> float:
    value = node.inputs[index] if len(node.inputs) > index else None
    if value is None:
        return default
    return float(value.const_value.numpy()) if value.const_value is not None else np.nan


def _commutes(node: ir.Node) -> bool:
    if node.domain not in ("", "ai.onnx"):
        return False
    if node.op_type == "Flatten":  # of (N, C, 1, 1): channels stay where they are
        shape = node.inputs[0].shape if node.inputs[0] is not None else None
        return shape is not None and len(shape) == 4 and list(shape[2:]) == [1, 1]
    if node.op_type == "Clip":
        return _bound(node, 1, -np.inf) in (0.0, -np.inf) and not np.isnan(_bound(node, 2, np.inf))
    if node.op_type == "Add":
        shapes = [list(value.shape) if value.shape is not None else None for value in activations(node)]
        return not any(is_constant(value) for value in activations(node)) and shapes[0] == shapes[1]
    return node.op_type in COMMUTING and (node.op_type != "MaxPool" or len(node.outputs) == 1)


def choose_factors(region: Region, plan: Plan, seen: Mapping[ir.Value, Statistics]) -> Floats | None:
    """Factors (C,) with the least estimated noise at the consumers, or None when equal factors are best."""
    points = [value for value in region.values if value in plan.group and value in seen]
    if not points:
        return None
    peaks = np.stack([_peaks(seen[value]) for value in points])  # (points, C)
    if not peaks.any():
        return None
    peaks += UNSEEN * peaks.mean(axis=1, keepdims=True)
    limit = np.full(peaks.shape[1], MOST_FACTOR)
    least = 0.0
    for value, bound in region.clips:
        if np.isfinite(bound):
            if value not in seen:
                return None
            limit = np.minimum(limit, bound / np.maximum(seen[value].high * CLIP_MARGIN, bound / MOST_FACTOR))
            least = 1.0
    best, best_noise = None, np.inf
    for peak in _directions(peaks):
        for exponent in EXPONENTS:
            factors = (peak.max() / np.maximum(peak, peak.max() / MOST_FACTOR)) ** exponent
            factors = np.maximum(np.minimum(factors, limit), least)
            noise = _noise(region, factors, points, seen)
            if noise < best_noise * MUST_GAIN:
                best, best_noise = (factors if exponent else None), noise
    return best


def _peaks(statistics: Statistics) -> Floats:
    """(C,) the largest magnitude seen in each channel."""
    return np.maximum(np.abs(statistics.high), np.abs(statistics.low))


def _directions(peaks: Floats) -> list[Floats]:
    """What one (C,) stands for the `peaks` (points, C): the largest, or the largest relative to its point's mean."""
    if len(peaks) == 1:
        return [peaks[0]]
    return [peaks.max(axis=0), (peaks / np.maximum(peaks.mean(axis=1, keepdims=True), 1e-30)).max(axis=0)]


def _noise(region: Region, factors: Floats, points: list[ir.Value], seen: Mapping[ir.Value, Statistics]) -> float:
    """Relative noise at the consumers: rounding of the activations, plus rounding of the weights.

    Uniform rounding to a step has variance step^2 / 12; every point of the region adds its own to what follows.
    """
    high = np.array([max(float((seen[value].high * factors).max()), 0.0) for value in points])
    low = np.array([min(float((seen[value].low * factors).min()), 0.0) for value in points])
    rounding = float(np.square((high - low) / 255).sum()) / 12
    total = 0.0
    for node in region.consumers:
        power = _input_statistics(node, points, seen).mean_square * np.square(factors)  # (C,)
        scaled = _scaled(node, factors)  # (O, I / groups, K)
        signal = float((np.square(scaled) * _at_weights(scaled, power)).sum())
        error = np.square(np.abs(scaled).max(axis=(1, 2), keepdims=True) / 127) / 12
        weights = float((error * _at_weights(scaled, power)).sum()) * scaled.shape[2]
        total += (rounding * float(np.square(scaled).sum()) + weights) / max(signal, 1e-30)
    return total


def _input_statistics(node: ir.Node, points: list[ir.Value], seen: Mapping[ir.Value, Statistics]) -> Statistics:
    value = node.inputs[0]
    return seen[value] if value in seen else seen[points[-1]]  # type: ignore[index]


def _weights(node: ir.Node) -> Floats:
    weight = node.inputs[1]
    assert weight is not None
    assert weight.const_value is not None
    array: Floats = weight.const_value.numpy().astype(np.float64)
    if node.op_type != "Conv" and not (node.op_type == "Gemm" and node.attributes.get_int("transB", 0) == 1):
        array = array.T
    return array.reshape(array.shape[0], array.shape[1], -1)  # (O, I / groups, K)


def _scaled(node: ir.Node, factors: Floats) -> Floats:
    """Weights (O, I / groups, K) divided by the factors of the input channels that they multiply."""
    weights = _weights(node)
    return weights / _at_weights(weights, factors)


def input_sums(node: ir.Node, values: Floats) -> Floats:
    """(O,) what a layer without bias makes of an input that holds `values` (C,) everywhere."""
    weights = _weights(node)
    sums: Floats = (weights * _at_weights(weights, values)).sum(axis=(1, 2))
    return sums


def _at_weights(weights: Floats, values: Floats) -> Floats:
    """(O, I / groups, 1) the entry of `values` (C,) for the input channel that each weight multiplies."""
    groups = len(values) // weights.shape[1]
    return np.repeat(values.reshape(groups, weights.shape[1]), weights.shape[0] // groups, axis=0)[:, :, None]


def _apply(graph: ir.Graph, region: Region, factors: Floats) -> None:
    for node in region.producers:
        weight = _weights(node) * factors[:, None, None]
        _replace(graph, node, 1, weight)
        if len(node.inputs) > 2 and node.inputs[2] is not None and node.inputs[2].const_value is not None:
            _replace(graph, node, 2, node.inputs[2].const_value.numpy() * factors)
    for node in region.consumers:
        _replace(graph, node, 1, _scaled(node, factors))


def _replace(graph: ir.Graph, node: ir.Node, index: int, array: Floats) -> None:
    old = node.inputs[index]
    assert old is not None
    assert old.const_value is not None
    if index == 1 and node.op_type != "Conv" and not node.attributes.get_int("transB", 0):
        array = array[:, :, 0].T
    array = array.reshape(old.const_value.numpy().shape).astype(np.float32)
    if len(old.uses()) == 1:
        old.const_value = ir.tensor(array, name=old.name)
    else:  # shared with another layer, which keeps the old one
        node.replace_input_with(index, constant(graph, f"{old.name}.{node.outputs[0].name}", array))
