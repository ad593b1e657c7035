"""mean, sum, max, min, prod, argmax and argmin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from slim.load.mxnet.attributes import UntranslatableError
from slim.load.mxnet.node import NodeView, Shape, dims, front


def reduce(op_type: str) -> Callable[[NodeView], list[ir.Value]]:
    """A reduction over `axis` (all axes when missing; the others with `exclude`); a full one gives one element."""

    def translate(node: NodeView) -> list[ir.Value]:
        x = node.input()
        rank = len(dims(x))
        given = tuple(front(axis, rank) for axis in node.attributes.integers("axis", ()))
        axes = tuple(index for index in range(rank) if (index in given) != node.attributes.flag("exclude", False))
        axes = axes if given else tuple(range(rank))
        keep = node.attributes.flag("keepdims", False)
        inputs = [x, node.constant(np.array(axes, np.int64), "axes")]
        kept = tuple(1 if index in axes else size for index, size in enumerate(dims(x)))
        reduced = node.op(op_type, inputs, kept if keep else _without(kept, axes), keepdims=int(keep))
        return [reduced if dims(reduced) else node.reshape(reduced, (1,))]

    return translate


def arg_reduce(op_type: str) -> Callable[[NodeView], list[ir.Value]]:
    """argmax and argmin, whose indices MXNet gives as floats."""

    def translate(node: NodeView) -> list[ir.Value]:
        x = node.input()
        axis = node.attributes.optional_integer("axis")
        if axis is None:
            raise UntranslatableError("it has no axis")
        axis = front(axis, len(dims(x)))
        keep = node.attributes.flag("keepdims", False)
        kept = tuple(1 if index == axis else size for index, size in enumerate(dims(x)))
        shape = kept if keep else _without(kept, (axis,))
        index = node.op(op_type, [x], shape, ir.DataType.INT64, axis=axis, keepdims=int(keep))
        found = node.op("Cast", [index], index, ir.DataType.FLOAT, to=int(ir.DataType.FLOAT))
        return [found if shape else node.reshape(found, (1,))]

    return translate


def _without(shape: Shape, axes: Shape) -> Shape:
    return tuple(size for index, size in enumerate(shape) if index not in axes)
