"""Normalizations: of layers, instances, groups and vectors, and batch normalization that could not be folded."""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from slim.core.format import Type
from slim.core.operators import Binary, Reduce, Unary
from slim.lower.context import Lowering, plain_order
from slim.lower.rules import refuse, rule


@rule("LayerNormalization")
def lower_layer_norm(low: Lowering, node: ir.Node) -> None:
    """Mean 0 and variance 1 over the last axes, then scale and bias."""
    x = node.inputs[0]
    assert x is not None
    rank = len(low.shape(x))
    if any(output.uses() or output.is_graph_output() for output in node.outputs[1:]):
        raise refuse(node, "gives out its mean or deviation")
    attributes = {
        "axis": (node.attributes.get_int("axis", -1) or 0) % rank,
        "epsilon": node.attributes.get_float("epsilon", 1e-5),
    }
    inputs = [low.get(value) for value in node.inputs if value is not None]
    low.put(node.outputs[0], low.builder.operator("layer_norm_f32", inputs, Type.F32, attributes, name=node.name or ""))


@rule("BatchNormalization")
def lower_batch_norm(low: Lowering, node: ir.Node) -> None:
    """One that no convolution took: a product and a sum with constants of each channel."""
    x, y = node.inputs[0], node.outputs[0]
    arrays = [low.constant(value) for value in node.inputs[1:5]]
    if x is None or any(array is None for array in arrays):
        raise refuse(node, "has parameters that are computed at run time")
    scale, bias, mean, variance = (np.asarray(array, np.float64) for array in arrays)
    factor = scale / np.sqrt(variance + (node.attributes.get_float("epsilon", 1e-5) or 0.0))
    tensor, order = low.native(x)
    rank = len(order)
    shape = [1] * rank
    if rank > 1:
        shape[order.index(1)] = -1
    for mode, values in ((Binary.MUL, factor), (Binary.ADD, bias - mean * factor)):
        constant = low.place_constant(values.astype(np.float32).reshape(shape if rank > 1 else [-1]))
        tensor = _binary(low, node, mode, tensor, constant)
    low.put(y, tensor, order if rank else plain_order(0))


@rule("InstanceNormalization", "GroupNormalization")
def lower_group_norm(low: Lowering, node: ir.Node) -> None:
    """Mean 0 and variance 1 over each group of channels (of one, for instances), then a scale and bias of each."""
    x, scale, bias = node.inputs
    assert x is not None
    assert scale is not None
    assert bias is not None
    shape = low.shape(x)
    groups = node.attributes.get_int("num_groups", shape[1]) or shape[1]
    size = math.prod(shape[1:]) // groups
    rows = low.reshape(low.get(x), [-1, size], node.name or "")
    attributes = {"axis": 1, "epsilon": node.attributes.get_float("epsilon", 1e-5)}
    inputs = [rows, low.place_constant(np.ones(size, np.float32))]
    tensor = low.builder.operator("layer_norm_f32", inputs, Type.F32, attributes, name=node.name or "")
    tensor = low.reshape(tensor, list(shape), node.name or "")
    for mode, value in ((Binary.MUL, scale), (Binary.ADD, bias)):
        each = low.reshape(low.get(value), [shape[1], *[1] * (len(shape) - 2)])
        tensor = _binary(low, node, mode, tensor, each)
    low.put(node.outputs[0], tensor)


@rule("LpNormalization")
def lower_lp_norm(low: Lowering, node: ir.Node) -> None:
    """x over its norm along an axis; zeros stay zeros."""
    x = node.inputs[0]
    assert x is not None
    p = node.attributes.get_int("p", 2)
    axis = (node.attributes.get_int("axis", -1) or 0) % len(low.shape(x))
    tensor, order = low.native(x)
    magnitude, mode = tensor, Reduce.L2
    if p == 1:
        parameters: dict[str, int | float] = {"mode": Unary.ABS, "alpha": 0.0, "beta": 0.0}
        magnitude, mode = low.builder.operator("unary_f32", [tensor], Type.F32, parameters), Reduce.SUM
    attributes: dict[str, int | float] = {"mode": mode, "axes": 1 << order.index(axis), "keep_dims": 1}
    norm = low.builder.operator("reduce_f32", [magnitude], Type.F32, attributes, name=node.name or "")
    norm = _binary(low, node, Binary.MAX, norm, low.place_constant(np.full(1, np.finfo(np.float32).tiny)))
    low.put(node.outputs[0], _binary(low, node, Binary.DIV, tensor, norm), order)


def _binary(low: Lowering, node: ir.Node, mode: Binary, a: int, b: int) -> int:
    attributes: dict[str, int | float] = {"mode": mode, "lo": -math.inf, "hi": math.inf}
    return low.builder.operator("binary_f32", [a, b], Type.F32, attributes, name=node.name or "")
