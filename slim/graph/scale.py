"""Fold multiplications and additions of constants into the linear layer beside them.

Add, Sub, Mul and Div by a constant that has one value, or one for each channel of the layer, are the affine map
s * x + t of `linear`. They qualify where the constant does not broaden the other operand's shape.

1. After a layer: if only this node reads the layer's output. A dense layer without a place for a bias (MatMul of more
   than two dimensions) takes factors only.
2. Before a layer: if only that layer reads this node's output; an addition only where the layer has no padding.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from slim.graph.linear import (
    absorb_after,
    absorb_before,
    input_channels,
    is_layer,
    output_axis,
    output_channels,
)
from slim.prune import PassReport
from slim.prune.edit import Array, constant, dims, erase, is_float, nodes_of, only_user, redirect, where


def fold_scale(model: ir.Model) -> PassReport:
    """Apply the rules above to the model, in place."""
    notes = []
    for node in nodes_of(model.graph, "Add", "Sub", "Mul", "Div"):
        split = _split(node)
        if split is None:
            continue
        source, array, constant_first = split
        place, layer, user = where(node), source.producer(), only_user(node.outputs[0])
        if is_layer(layer) and layer is not None and only_user(source) is node:
            affine = _affine(node, array, constant_first, source, output_axis(layer), output_channels(layer))
            if affine is not None and absorb_after(layer, *affine) and redirect(node.outputs[0], source):
                erase(node)
                notes.append(f"{place} went into {where(layer)} before it")
                continue
        if is_layer(user) and user is not None and user.inputs[0] is node.outputs[0]:
            rank = len(dims(source) or ())
            axis = 1 if "Conv" in user.op_type else rank - 1
            affine = _affine(node, array, constant_first, source, axis, input_channels(user))
            if affine is not None and absorb_before(user, *affine) and redirect(node.outputs[0], source):
                erase(node)
                notes.append(f"{place} went into {where(user)} after it")
    return PassReport.of("fold-scale", notes)


def _split(node: ir.Node) -> tuple[ir.Value, Array, bool] | None:
    """The operand that varies, the constant one, and whether the constant comes first; None when not of this form."""
    left, right = node.inputs[0], node.inputs[1]
    if left is None or right is None or not is_float(node.outputs[0]):
        return None
    for value, other, constant_first in ((left, right, False), (right, left, True)):
        array = constant(other)
        if array is not None and constant(value) is None:
            same = dims(value) is not None and dims(value) == dims(node.outputs[0])
            return (value, array, constant_first) if same and not (constant_first and node.op_type == "Div") else None
    return None


def _affine(
    node: ir.Node, array: Array, constant_first: bool, value: ir.Value, axis: int, channels: int
) -> tuple[Array, Array] | None:
    """Scale and shift, float64 [channels] each, or None when the constant varies along another axis than `axis`."""
    shape = dims(value)
    if shape is None or len(shape) <= axis or shape[axis] != channels:
        return None
    full = (1,) * (len(shape) - array.ndim) + array.shape
    if any(size != 1 and position != axis for position, size in enumerate(full)):
        return None
    values = np.broadcast_to(array.astype(np.float64).reshape(-1), (channels,))
    ones, zeros = np.ones(channels), np.zeros(channels)
    if node.op_type == "Add":
        return ones, values
    if node.op_type == "Sub":
        return (-ones, values) if constant_first else (ones, -values)
    with np.errstate(divide="ignore"):
        scale = values if node.op_type == "Mul" else 1.0 / values
    return (scale, zeros) if np.isfinite(scale).all() else None
