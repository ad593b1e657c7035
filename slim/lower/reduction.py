"""Operators over axes: reductions and softmax."""

from __future__ import annotations

import onnx_ir as ir

from slim.core.format import Type
from slim.core.operators import Reduce
from slim.lower.context import Lowering, Order
from slim.lower.pooling import average
from slim.lower.rules import ints, rule
from slim.lower.window import GLOBAL

_REDUCE = {
    "ReduceMean": Reduce.MEAN,
    "ReduceSum": Reduce.SUM,
    "ReduceMax": Reduce.MAX,
    "ReduceMin": Reduce.MIN,
    "ReduceProd": Reduce.PROD,
    "ReduceL2": Reduce.L2,
    "ReduceSumSquare": Reduce.SUM_SQUARE,
}


@rule(*_REDUCE)
def lower_reduce(low: Lowering, node: ir.Node) -> None:
    """A reduction over axes, which stay with size 1 where keepdims says so."""
    x, y = node.inputs[0], node.outputs[0]
    assert x is not None
    rank = len(low.shape(x))
    given = low.constant(node.inputs[1]) if len(node.inputs) > 1 and node.inputs[1] is not None else None
    listed = ints(node, "axes", []) if given is None else [int(a) for a in given.reshape(-1)]
    if not listed and node.attributes.get_int("noop_with_empty_axes"):
        low.share(y, x)
        return
    axes = sorted(a % rank for a in listed) if listed else list(range(rank))
    keep = bool(node.attributes.get_int("keepdims", 1))
    if node.op_type == "ReduceMean" and keep and rank == 4 and axes == [2, 3]:
        average(low, node, x, GLOBAL)
        return
    tensor, order = low.native(x)
    attributes = {"mode": _REDUCE[node.op_type], "axes": sum(1 << order.index(a) for a in axes), "keep_dims": int(keep)}
    out = low.builder.operator("reduce_f32", [tensor], Type.F32, attributes, name=node.name or "")
    low.put(y, out, order if keep else _without(order, axes))


def _without(order: Order, axes: list[int]) -> Order:
    """The order after these axes are gone and the others renumbered."""
    left = [a for a in order if a not in axes]
    return tuple(a - sum(gone < a for gone in axes) for a in left)


@rule("Softmax", "LogSoftmax")
def lower_softmax(low: Lowering, node: ir.Node) -> None:
    """exp(x) over its sum along one axis."""
    x = node.inputs[0]
    assert x is not None
    rank = len(low.shape(x))
    tensor, order = low.native(x)
    axis = order.index((node.attributes.get_int("axis", -1) or 0) % rank)
    attributes = {"axis": axis, "log": int(node.op_type == "LogSoftmax")}
    low.put(
        node.outputs[0],
        low.builder.operator("softmax_f32", [tensor], Type.F32, attributes, name=node.name or ""),
        order,
    )
