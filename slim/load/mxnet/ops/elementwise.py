"""Arithmetic on two operands, on an operand and a scalar, and sums of several."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from slim.load.mxnet.attributes import UntranslatableError
from slim.load.mxnet.node import NodeView, dims

Translation = Callable[[NodeView], list[ir.Value]]


def binary(op_type: str) -> Translation:
    """`a OP b` with broadcasting."""

    def translate(node: NodeView) -> list[ir.Value]:
        a, b = node.input(0), node.input(1)
        try:
            shape = np.broadcast_shapes(dims(a), dims(b))
        except ValueError as error:
            raise UntranslatableError(f"operands of shapes {dims(a)} and {dims(b)} do not broadcast") from error
        return [node.op(op_type, [a, b], tuple(int(size) for size in shape))]

    return translate


def with_scalar(op_type: str, reverse: bool = False) -> Translation:
    """`x OP scalar`, or `scalar OP x`."""

    def translate(node: NodeView) -> list[ir.Value]:
        x, scalar = node.input(), node.scalar(node.attributes.number("scalar", None), "scalar")
        return [node.op(op_type, [scalar, x] if reverse else [x, scalar], x)]

    return translate


def add_n(node: NodeView) -> list[ir.Value]:
    """The sum of all operands, which have one shape."""
    values = node.inputs()
    if not values or len({dims(value) for value in values}) != 1:
        raise UntranslatableError("its operands differ in shape")
    return [node.op("Sum", values, values[0])]
