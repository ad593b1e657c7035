"""The ONNX graph under construction: nodes and initializers, each with its shape as soon as it is made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir

from slim.load.limits import MAX_ELEMENTS
from slim.load.mxnet.attributes import UntranslatableError


@dataclass(frozen=True)
class Weights:
    """A params file: where it is, and its arrays by name."""

    where: str
    arrays: Mapping[str, np.ndarray]


class Builder:
    """Collects inputs, initializers and nodes; `values` holds the declared variables by MXNet name."""

    def __init__(self, weights: Weights | None) -> None:
        self.weights = weights
        self.values: dict[str, ir.Value] = {}
        self._inputs: list[ir.Value] = []
        self._initializers: list[ir.Value] = []
        self._nodes: list[ir.Node] = []
        self._names: set[str] = set()

    def input(self, name: str, shape: tuple[int, ...]) -> ir.Value:
        """A graph input in fp32."""
        value = self._value(name, shape, ir.DataType.FLOAT)
        self._inputs.append(value)
        self.values[name] = value
        return value

    def stored(self, name: str) -> ir.Value:
        """The initializer of a variable that the params file has."""
        assert self.weights is not None
        value = self.values.get(name)
        return self._keep(name, self.weights.arrays[name]) if value is None else value

    def absent(self, name: str, shape: tuple[int, ...]) -> ir.Value:
        """An initializer of zeros that takes no memory: every element is the same one."""
        value = self.values.get(name)
        return self._keep(name, np.broadcast_to(np.float32(0), _sane(shape))) if value is None else value

    def parameter(self, name: str, shape: tuple[int, ...]) -> ir.Value:
        """The initializer of a trained parameter whose shape must be `shape`, stored or absent."""
        if self.weights is None:
            value = self.absent(name, shape)
        elif name in self.weights.arrays:
            value = self.stored(name)
        else:
            raise UntranslatableError(f"its parameter '{name}' is missing")
        have = tuple(value.shape.numpy()) if value.shape is not None else ()
        if have != shape:
            what = f"parameter '{name}' has the shape {have}, and the network needs {shape}"
            raise UntranslatableError(what)
        if value.dtype != ir.DataType.FLOAT:
            raise UntranslatableError(f"parameter '{name}' holds {value.dtype}, not floating-point numbers")
        return value

    def constant(self, name: str, array: np.ndarray) -> ir.Value:
        """An initializer with a value that the translation computes."""
        value = self._value(name, array.shape, ir.DataType.from_numpy(array.dtype))
        value.const_value = ir.Tensor(array, name=value.name)
        self._initializers.append(value)
        return value

    def op(
        self,
        op_type: str,
        inputs: Sequence[ir.Value | None],
        attributes: Mapping[str, Any],
        shapes: Sequence[tuple[int, ...]],
        name: str,
        dtype: ir.DataType | None = None,
    ) -> list[ir.Value]:
        """Append a node with one output for each of `shapes`, of the first input's dtype unless another is given."""
        first = inputs[0] if inputs else None
        dtype = dtype or (first.dtype if first is not None else None) or ir.DataType.FLOAT
        outputs = [self._value(name, shape, dtype) for shape in shapes]
        listed = ir.convenience.convert_attributes(attributes)
        self._nodes.append(ir.Node("", op_type, inputs, listed, outputs=outputs, name=outputs[0].name))
        return outputs

    def rename(self, value: ir.Value, name: str) -> None:
        """Give a value a name of its own, with a number behind it where the name is taken."""
        if value.name != name:
            value.name = self._unique(name)

    def model(self, outputs: Sequence[ir.Value]) -> ir.Model:
        """The finished model at opset 21."""
        used = [value for value in self._initializers if value.uses()]
        inputs = [value for value in self._inputs if value.uses()]
        graph = ir.Graph(inputs, outputs, nodes=self._nodes, initializers=used, opset_imports={"": 21}, name="mxnet")
        return ir.Model(graph, ir_version=10, producer_name="slim")

    def _keep(self, name: str, array: np.ndarray) -> ir.Value:
        if array.dtype in (np.float16, np.float64):  # slim computes in fp32
            array = array.astype(np.float32)
        value = self.constant(name, array)
        self.values[name] = value
        return value

    def _value(self, name: str, shape: tuple[int, ...], dtype: ir.DataType) -> ir.Value:
        return ir.Value(name=self._unique(name), shape=ir.Shape(_sane(shape)), type=ir.TensorType(dtype))

    def _unique(self, name: str) -> str:
        candidate, number = name, 0
        while candidate in self._names:
            number += 1
            candidate = f"{name}.{number}"
        self._names.add(candidate)
        return candidate


def _sane(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape, when it is one that a network can have."""
    if any(dim < 1 for dim in shape) or math.prod(shape) > MAX_ELEMENTS or len(shape) > 32:
        raise UntranslatableError(f"it gives a tensor of the impossible shape {shape}")
    return shape
