"""Recognise layer normalisation from its pieces (Ba, Kiros and Hinton, 2016).

1. (x - mean) / sqrt(mean((x - mean)^2) + eps), with both means over the same last axes and keeping them, is
   LayerNormalization with scale 1; the quotient may also be a product with a Reciprocal, the square a Pow or a Mul.
2. A product with a constant of the normalised axes' shape that only reads that becomes its scale.
3. A sum with such a constant becomes its bias.

Nothing else may read a piece, other than x itself.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from slim.graph.factors import Product, product
from slim.prune import PassReport
from slim.prune.edit import (
    add_constant,
    constant,
    dims,
    erase,
    input_of,
    int_list,
    is_float,
    is_op,
    is_private,
    nodes_of,
    only_user,
    redirect,
    replace,
    scalar,
    where,
)


def recognise_layer_norm(model: ir.Model) -> PassReport:
    """Apply the rules above to the model, in place. LayerNormalization needs opset 17; below it nothing is done."""
    notes: list[str] = []
    if model.graph.opset_imports.get("", 0) < 17:
        return PassReport("recognise-layer-norm")
    if nodes_of(model.graph, "ReduceMean"):
        for node in nodes_of(model.graph, "Div", "Mul"):
            place = where(node)
            if is_float(node.outputs[0]) and _normalised(node):
                notes.append(f"{place} ends a layer normalisation")
    for node in nodes_of(model.graph, "LayerNormalization"):
        notes += _scale_and_bias(node)
    return PassReport.of("recognise-layer-norm", notes)


def _normalised(node: ir.Node) -> bool:
    """Rule 1."""
    centred, deviation, nodes = _quotient(node)
    root = deviation.producer() if deviation is not None else None
    difference = centred.producer() if centred is not None else None
    if root is None or not is_op(root, "Sqrt") or difference is None or not is_op(difference, "Sub"):
        return False
    source, mean = difference.inputs
    average = mean.producer() if mean is not None else None
    total = root.inputs[0].producer() if root.inputs[0] is not None else None
    if source is None or average is None or total is None or not is_op(total, "Add"):
        return False
    for variance, other in (total.inputs, total.inputs[::-1]):
        epsilon, spread = scalar(other), variance.producer() if variance is not None else None
        if epsilon is None or spread is None or variance is None:
            continue
        axis, square = _mean_axis(average, source), _square(spread, centred)
        if axis is None or square is None or _mean_axis(spread, spread.inputs[0]) != axis:
            return False
        group = [*nodes, root, difference, average, total, spread, *square.nodes]
        if not is_private(group, node):
            return False
        shape = dims(source)
        assert shape is not None
        assert source.dtype is not None
        assert node.graph is not None
        ones = np.ones(shape[axis:], source.dtype.numpy())
        scale = add_constant(node.graph, f"{node.outputs[0].name}.scale", ones)
        attributes = [ir.AttrInt64("axis", axis - len(shape)), ir.AttrFloat32("epsilon", epsilon)]
        replace(node, "LayerNormalization", [source, scale], attributes)
        return True
    return False


def _quotient(node: ir.Node) -> tuple[ir.Value | None, ir.Value | None, list[ir.Node]]:
    """Numerator and denominator of a Div, or of a Mul with a Reciprocal."""
    if node.op_type == "Div":
        return node.inputs[0], node.inputs[1], []
    for value, other in (node.inputs, node.inputs[::-1]):
        inverse = other.producer() if other is not None else None
        if inverse is not None and is_op(inverse, "Reciprocal"):
            return value, inverse.inputs[0], [inverse]
    return None, None, []


def _square(mean: ir.Node, centred: ir.Value | None) -> Product | None:
    """The factors of what a mean is taken of, when they are `centred` twice."""
    if centred is None or mean.inputs[0] is None:
        return None
    factors = product(mean.inputs[0], frozenset({centred}))
    return factors if factors.values == [centred, centred] and factors.scale == 1 else None


def _mean_axis(node: ir.Node, source: ir.Value | None) -> int | None:
    """The first axis of a ReduceMean of `source` over its last axes that keeps them, or None."""
    shape = dims(source)
    if not is_op(node, "ReduceMean") or node.inputs[0] is not source or shape is None:
        return None
    axes = int_list(input_of(node, 1))
    if axes is None or not node.attributes.get_int("keepdims", 1):
        return None
    rank = len(shape)
    chosen = sorted(axis % rank for axis in axes)
    return chosen[0] if chosen and chosen == list(range(chosen[0], rank)) else None


def _scale_and_bias(node: ir.Node) -> list[str]:
    """Rules 2 and 3."""
    notes = []
    for op_type, index in (("Mul", 1), ("Add", 2)):
        output = node.outputs[0]
        user = only_user(output) if len(node.outputs) == 1 else None
        if user is None or not is_op(user, op_type):
            continue
        other = user.inputs[1] if user.inputs[0] is output else user.inputs[0]
        shape, array = dims(node.inputs[0]), constant(other)
        if other is None or shape is None or array is None or input_of(node, 2) is not None:
            continue
        axes = shape[node.attributes.get_int("axis", -1) % len(shape) :]
        if other.dtype != output.dtype or array.size != np.prod(axes) or array.shape[-len(axes) :] != axes:
            continue
        if array.ndim > len(shape) or (index == 1 and not _is_ones(node.inputs[1])):
            continue
        assert node.graph is not None
        place = where(user)
        if array.shape != axes:
            other = add_constant(node.graph, f"{other.name}.flat", array.reshape(axes))
        node.resize_inputs(max(len(node.inputs), index + 1))
        node.replace_input_with(index, other)
        if redirect(user.outputs[0], output):
            erase(user)
        notes.append(f"{place} went into {where(node)}")
    return notes


def _is_ones(value: ir.Value | None) -> bool:
    array = constant(value)
    return array is not None and bool((array == 1).all())
