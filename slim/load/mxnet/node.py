"""What a translation sees of one MXNet node: its attributes, its operands with their shapes, and how to emit ONNX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from slim.load.mxnet.attributes import Attributes, UntranslatableError
from slim.load.mxnet.builder import Builder
from slim.load.mxnet.symbol import SymbolNode

Shape = tuple[int, ...]


class NodeView:
    """One node under translation. Translations return the list of its outputs."""

    def __init__(
        self,
        builder: Builder,
        node: SymbolNode,
        variables: tuple[str | None, ...],
        operands: tuple[ir.Value | None, ...],
    ) -> None:
        self.op_type = node.op
        self.attributes = Attributes(node.attributes)
        self.count = len(node.inputs)
        self._builder = builder
        self._name = node.name
        self._variables = variables
        self._operands = operands

    def input(self, index: int = 0) -> ir.Value:
        """The operand at `index`."""
        if index >= self.count or (value := self._operands[index]) is None:
            raise UntranslatableError(f"it has no input {index}")
        return value

    def inputs(self) -> list[ir.Value]:
        """All operands."""
        return [self.input(index) for index in range(self.count)]

    def parameter(self, index: int, shape: Shape) -> ir.Value:
        """The trained parameter at `index`, which must have `shape`; it may also be computed by another node."""
        name = self._variables[index] if index < self.count else None
        if name is not None:
            return self._builder.parameter(name, shape)
        value = self.input(index)
        if dims(value) != shape:
            raise UntranslatableError(f"its input {index} has the shape {dims(value)}, and it needs {shape}")
        return value

    def op(
        self,
        op_type: str,
        inputs: Sequence[ir.Value | None],
        shape: Shape | ir.Value,
        dtype: ir.DataType | None = None,
        **attributes: Any,
    ) -> ir.Value:
        """Emit an ONNX node with one output of `shape`, or of the shape of another value."""
        shapes = [dims(shape) if isinstance(shape, ir.Value) else shape]
        return self._builder.op(op_type, inputs, attributes, shapes, self._name, dtype)[0]

    def op_many(
        self, op_type: str, inputs: Sequence[ir.Value | None], shapes: Sequence[Shape], attributes: Mapping[str, Any]
    ) -> list[ir.Value]:
        """Emit an ONNX node with several outputs."""
        return self._builder.op(op_type, inputs, attributes, shapes, self._name)

    def constant(self, array: np.ndarray, role: str) -> ir.Value:
        """An initializer of this node, named `NODE.ROLE`."""
        return self._builder.constant(f"{self._name}.{role}", array)

    def scalar(self, number: float, role: str) -> ir.Value:
        """An fp32 scalar initializer."""
        return self.constant(np.array(number, np.float32), role)

    def reshape(self, value: ir.Value, shape: Shape) -> ir.Value:
        """The value in another shape of the same size."""
        if dims(value) == shape:
            return value
        return self.op("Reshape", [value, self.constant(np.array(shape, np.int64), "shape")], shape)

    def transpose(self, value: ir.Value, order: Shape) -> ir.Value:
        """The value with its axes in another order."""
        shape = dims(value)
        return self.op("Transpose", [value], tuple(shape[axis] for axis in order), perm=list(order))

    def axis(self, name: str, default: int, rank: int) -> int:
        """An axis attribute, counted from the front."""
        return front(self.attributes.integer(name, default), rank)


def dims(value: ir.Value) -> Shape:
    """The value's dims, which are static in a graph that is being built."""
    assert value.shape is not None
    return tuple(value.shape.numpy())


def front(axis: int, rank: int) -> int:
    """The axis counted from the front. Raises `UntranslatableError` when it lies outside the rank."""
    if not -rank <= axis < rank:
        raise UntranslatableError(f"axis {axis} lies outside its input of rank {rank}")
    return axis % rank
