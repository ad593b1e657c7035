"""Centering: move channels that lie to one side of zero into the middle of the range that their tensor spends on them.

One range serves all channels of a tensor. Where one channel holds [-1, 5] and another [-5, 1] it has to be [-5, 5],
though both are 6 wide. Subtracting a constant from a channel takes it out of the bias of the layer that makes it; the
layers that read it get it back in theirs: W (x - t) + (b + W t). Exact in float as long as only sums, and layers that
pad nothing, lie between (a padded zero would have to become -t). In residual networks these are the linear bottlenecks.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx_ir as ir

from slim.quantize.calibrate import Statistics
from slim.quantize.equalize import Floats, Region, find_regions, input_sums
from slim.quantize.insert import constant
from slim.quantize.plan import Plan, activations
from slim.quantize.weights import heavy_bias

SHIFTING = {"Add", "Identity", "Flatten", "GlobalAveragePool"}


def center(model: ir.Model, plan: Plan, seen: Mapping[ir.Value, Statistics]) -> int:
    """Centre the channels of every region that allows it, in place, and `seen` too; returns how many changed."""
    changed = 0
    for region in find_regions(model, plan):
        points = [value for value in region.values if value in seen]
        if points and _allows(region):
            _center(model.graph, region, points, seen)
            changed += 1
    return changed


def _allows(region: Region) -> bool:
    made = all(
        node is not None and (node in region.producers or node.op_type in SHIFTING)
        for node in (value.producer() for value in region.values)
    )
    return made and not any(_pads(node) for node in region.consumers)


def _pads(node: ir.Node) -> bool:
    """Whether a layer may read zeros from outside its input, or (MatMul) has no bias to give the shift back in."""
    automatic = node.attributes.get_string("auto_pad", "NOTSET") or "NOTSET"
    return node.op_type == "MatMul" or any(node.attributes.get_ints("pads", [])) or automatic.startswith("SAME")


def _center(graph: ir.Graph, region: Region, points: list[ir.Value], seen: Mapping[ir.Value, Statistics]) -> None:
    """The shifts of all layers at once: those whose sums come nearest to every point's wishes, by least squares."""
    share = _shares(region)
    ranges = np.array([seen[value].high.max() - seen[value].low.min() for value in points])
    weight = 1 / np.maximum(ranges, 1e-30)[:, None]
    middles = np.stack([(seen[value].high + seen[value].low) / 2 for value in points])  # (points, C)
    system = np.stack([share[value] for value in points])  # (points, producers)
    shifts: Floats = np.linalg.lstsq(system * weight, middles * weight, rcond=None)[0]  # (producers, C)
    for node, shift in zip(region.producers, shifts, strict=True):
        _add_to_bias(graph, node, -shift)
    for node in region.consumers:
        source = node.inputs[0]
        assert source is not None
        _add_to_bias(graph, node, input_sums(node, share[source] @ shifts))
    for value in points:
        seen[value].shift(share[value] @ shifts)


def _shares(region: Region) -> dict[ir.Value, Floats]:
    """How often each layer's shift (producers,) is contained in each value."""
    found: dict[ir.Value, Floats] = {}
    for value in region.values:  # in graph order
        node = value.producer()
        assert node is not None
        if node in region.producers:
            found[value] = np.eye(len(region.producers))[region.producers.index(node)]
        else:
            found[value] = np.sum([found[source] for source in activations(node)], axis=0)
    return found


def _add_to_bias(graph: ir.Graph, node: ir.Node, addend: Floats) -> None:
    old, bias = node.inputs[2] if len(node.inputs) > 2 else None, heavy_bias(node)
    total = (addend if bias is None else bias + addend).astype(np.float32)
    if old is not None and old.const_value is not None and len(old.uses()) == 1:
        old.const_value = ir.tensor(total.reshape(old.const_value.shape.numpy()), name=old.name)
        return
    if old is None:
        node.resize_inputs(3)
    node.replace_input_with(2, constant(graph, f"{node.outputs[0].name}.centred_bias", total))
