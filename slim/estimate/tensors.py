"""Shapes and bytes of values, seen through quantization.

In QDQ form a value that a float operator reads may exist in memory only as the bytes in front of its
`DequantizeLinear`. `stored` finds the value that really exists; everything that counts bytes asks it first.
"""

from __future__ import annotations

import math

import onnx_ir as ir

from slim.errors import Problem, UnsupportedError

Dims = tuple[int, ...]
FOLLOWS_QUANTIZER = ("Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Identity")


def shape_of(value: ir.Value) -> Dims:
    """The static shape of a value.

    Raises UnsupportedError where a dimension is open: counting needs every one."""
    if value.shape is None:
        raise UnsupportedError(Problem("has no known shape", f"value '{value.name}'", "run shape inference first"))
    dims = []
    for dim in value.shape:
        if not isinstance(dim, int):
            raise UnsupportedError(
                Problem(f"has the open dimension '{dim}'", f"value '{value.name}'", "give its size with --shape")
            )
        dims.append(dim)
    return tuple(dims)


def elements(value: ir.Value) -> int:
    """Number of elements; 1 for a scalar."""
    return math.prod(shape_of(value))


def is_constant(value: ir.Value | None) -> bool:
    """Whether the value is a weight: an initializer, or a dequantized one."""
    if value is None:
        return False
    if value.is_initializer() or value.const_value is not None:
        return True
    producer = value.producer()
    return producer is not None and (
        producer.op_type == "Constant" or (producer.op_type == "DequantizeLinear" and is_constant(producer.inputs[0]))
    )


def stored(value: ir.Value) -> ir.Value:
    """The value whose bytes exist in memory: in front of a dequantizer the integers, else the value itself."""
    producer = value.producer()
    if producer is not None and producer.op_type == "DequantizeLinear" and producer.inputs[0] is not None:
        return producer.inputs[0]
    return value


def is_integer(value: ir.Value | None) -> bool:
    """Whether the value is kept as 8 (or 4) bit integers with a scale."""
    if value is None:
        return False
    dtype = stored(value).dtype
    return dtype is not None and dtype.is_integer() and dtype.bitwidth <= 8


def bytes_of(value: ir.Value) -> int:
    """Bytes that the value takes in memory, 4-bit types packed two to a byte."""
    held = stored(value)
    dtype = held.dtype or ir.DataType.FLOAT
    if dtype == ir.DataType.STRING:
        return 0
    return math.ceil(elements(held) * dtype.bitwidth / 8)
