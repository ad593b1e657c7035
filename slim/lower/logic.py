"""Comparisons, And, Or, Not, and Where: values of type bool, and choices by them."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from slim.core.format import Type
from slim.core.operators import Compare
from slim.lower.context import Lowering
from slim.lower.rules import rule

_COMPARE = {
    "Equal": Compare.EQUAL,
    "Less": Compare.LESS,
    "LessOrEqual": Compare.LESS_OR_EQUAL,
    "Greater": Compare.GREATER,
    "GreaterOrEqual": Compare.GREATER_OR_EQUAL,
    "And": Compare.AND,
    "Or": Compare.OR,
}


@rule(*_COMPARE)
def lower_compare(low: Lowering, node: ir.Node) -> None:
    """a op b with numpy's broadcasting."""
    tensors = [low.get(value) for value in node.inputs if value is not None]
    attributes = {"mode": _COMPARE[node.op_type]}
    low.put(node.outputs[0], low.builder.operator("compare", tensors, Type.BOOL, attributes, name=node.name or ""))


@rule("Not")
def lower_not(low: Lowering, node: ir.Node) -> None:
    """Whether x equals false."""
    x = node.inputs[0]
    assert x is not None
    tensors = [low.get(x), low.place_constant(np.zeros(1, np.bool_))]
    attributes = {"mode": Compare.EQUAL}
    tensor = low.builder.operator("compare", tensors, Type.BOOL, attributes, name=node.name or "")
    shape = low.shape(x)
    low.put(node.outputs[0], tensor if shape else low.reshape(tensor, []))


@rule("Where")
def lower_where(low: Lowering, node: ir.Node) -> None:
    """a where the condition holds, else b; the core takes all three in the output's shape."""
    condition, a, b = node.inputs
    shape = low.shape(node.outputs[0])
    assert condition is not None
    assert a is not None
    assert b is not None
    tensors = [_whole(low, value, shape) for value in (condition, a, b)]
    kind = low.builder.type_of(tensors[1])
    low.put(node.outputs[0], low.builder.operator("select", tensors, kind, name=node.name or ""))


def _whole(low: Lowering, value: ir.Value, shape: tuple[int, ...]) -> int:
    """The value, broadcast to this shape."""
    tensor = low.get(value)
    own = low.shape(value)
    if own == shape:
        return tensor
    attributes = {"rank": len(shape), **{f"d{i}": shape[i] if i < len(shape) else 1 for i in range(6)}}
    return low.like("expand", tensor, attributes, value.name or "")
