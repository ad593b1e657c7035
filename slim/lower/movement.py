"""Operators that move bytes: reshape, transpose, concat, slice, split, pad, gather, expand. Any type, any order.

A Transpose moves nothing here: it renames the axes of the order in which its input is stored, and whoever needs another
order pays for it. A Reshape that only splits or merges the channel axis stays in its order too, which is what channel
shuffles are made of.
"""

from __future__ import annotations

import struct

import numpy as np
import onnx_ir as ir

from slim.core.format import Type
from slim.lower.activations import claim, target
from slim.lower.context import Lowering, Order, element_type, plain_order
from slim.lower.rules import ints, refuse, rule

INT32_MAX, INT32_MIN = 2**31 - 1, -(2**31)


@rule("Identity", "Dropout")
def lower_identity(low: Lowering, node: ir.Node) -> None:
    """The output is the input."""
    assert node.inputs[0] is not None
    low.share(node.outputs[0], node.inputs[0])


@rule("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def lower_reshape(low: Lowering, node: ir.Node) -> None:
    """The same elements under another shape, which the graph knows."""
    x, y = node.inputs[0], node.outputs[0]
    assert x is not None
    before, after = low.shape(x), low.shape(y)
    if before == after:
        low.share(y, x)
        return
    quantized = low.is_quantized(x)
    kept = _kept_order(low, x, before, after)
    if kept is not None:
        source, order = kept
        dims = [after[axis] for axis in order]
    else:
        source, order = plain_order(len(before)), plain_order(len(after))
        dims = list(after)
    if dims and before and dims[0] == before[0] and source[0] == order[0] == 0:
        dims[0] = 0  # the batch may be resized
    low.put(y, low.reshape(low.get(x, source, quantized), dims, node.name or ""), order, quantized=quantized)


def _kept_order(
    low: Lowering, x: ir.Value, before: tuple[int, ...], after: tuple[int, ...]
) -> tuple[Order, Order] | None:
    """Orders of input and output for a reshape that splits the channel axis in two, or merges it back."""
    order = low.order_of(x)
    if order == plain_order(len(before)):
        return None
    if len(after) == len(before) + 1 and before[0] == after[0] and before[2:] == after[3:]:
        split: list[int] = []
        for axis in order:
            split += [1, 2] if axis == 1 else [axis + (axis > 1)]
        return order, tuple(split)
    if (
        len(after) == len(before) - 1
        and before[0] == after[0]
        and before[3:] == after[2:]
        and before[1] * before[2] == after[1]
    ):
        without = [axis for axis in order if axis not in (1, 2)]
        return (*without, 1, 2), tuple([axis - (axis > 1) for axis in without] + [1])
    return None


@rule("Transpose")
def lower_transpose(low: Lowering, node: ir.Node) -> None:
    """y's axis i is x's axis perm[i]: the stored bytes stay, the axes are renamed."""
    x, y = node.inputs[0], node.outputs[0]
    assert x is not None
    rank = len(low.shape(x))
    perm = ints(node, "perm", list(range(rank))[::-1])
    for (quantized, order), tensor in list(low.forms_of(x).tensors.items()):
        low.put(y, tensor, tuple(perm.index(axis) for axis in order), quantized=quantized)


@rule("Concat")
def lower_concat(low: Lowering, node: ir.Node) -> None:
    """Inputs one after the other along an axis; integers where a quantizer follows or all scales agree."""
    values = [v for v in node.inputs if v is not None]
    y = node.outputs[0]
    rank = len(low.shape(y))
    axis = (node.attributes.get_int("axis", 0) or 0) % rank
    orders = [low.order_of(v) for v in values if low.constant(v) is None]
    order = next((o for o in orders if o != plain_order(rank)), plain_order(rank))
    attributes: dict[str, int | float] = {"axis": order.index(axis)}
    if values and all(low.is_quantized(v) for v in values):
        tensors = [low.get(v, order, True) for v in values]
        found = target(low, y)
        quantizations = {low.builder.quantization_of(t) for t in tensors}
        if found is not None and (found.lo, found.hi) == (0, 255):
            scale, zero_point, y = float(found.scale), found.zero_point, found.chain.value
            claim(low, found.chain)
        elif len(quantizations) == 1:
            scale, zero_point = quantizations.pop()
        else:
            tensors = []
        if tensors:
            inputs = [requantized(low, t, scale, zero_point) for t in tensors]
            tensor = low.builder.operator(
                "concat", inputs, Type.U8, attributes, name=node.name or "", scale=scale, zero_point=zero_point
            )
            low.put(y, tensor, order)
            return
    inputs = [low.get(v, order) for v in values]
    kind = low.builder.type_of(inputs[0])
    low.put(y, low.builder.operator("concat", inputs, kind, attributes, name=node.name or ""), order)


def requantized(low: Lowering, tensor: int, scale: float, zero_point: int, kind: Type = Type.U8) -> int:
    """The tensor under another scale and zero point; itself where they are the same."""
    old_scale, old_zero = low.builder.quantization_of(tensor)
    if np.float32(old_scale) == np.float32(scale) and old_zero == zero_point and low.builder.type_of(tensor) == kind:
        return tensor
    return low.builder.operator("requantize", [tensor], kind, scale=scale, zero_point=zero_point)


@rule("Slice")
def lower_slice(low: Lowering, node: ir.Node) -> None:
    """A range of each given axis, as numpy slices."""
    x, y = node.inputs[0], node.outputs[0]
    arrays = [low.constant(v) for v in node.inputs[1:]]
    if x is None or any(a is None and v is not None for a, v in zip(arrays, node.inputs[1:], strict=True)):
        raise refuse(node, "has bounds that are computed at run time")
    rank = len(low.shape(x))
    starts, ends = (np.asarray(a).reshape(-1) for a in arrays[:2])
    axes = np.asarray(arrays[2]).reshape(-1) if len(arrays) > 2 and arrays[2] is not None else np.arange(len(starts))
    steps = (
        np.asarray(arrays[3]).reshape(-1)
        if len(arrays) > 3 and arrays[3] is not None
        else np.ones(len(starts), np.int64)
    )
    tensor, order = native_any(low, x)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        tensor = _slice(low, tensor, order.index(int(axis) % rank), int(start), int(end), int(step), node.name or "")
    low.put(y, tensor, order)


def native_any(low: Lowering, x: ir.Value) -> tuple[int, Order]:
    """The value in the order and type that it has."""
    return low.native(x, low.is_quantized(x))


def _slice(low: Lowering, tensor: int, axis: int, start: int, end: int, step: int, name: str) -> int:
    bound = [int(np.clip(i, INT32_MIN, INT32_MAX)) for i in (start, end)]
    return low.like("slice", tensor, {"axis": axis, "start": bound[0], "end": bound[1], "step": step}, name)


@rule("Split")
def lower_split(low: Lowering, node: ir.Node) -> None:
    """Slices of one axis, an output each."""
    x = node.inputs[0]
    assert x is not None
    rank = len(low.shape(x))
    axis = (node.attributes.get_int("axis", 0) or 0) % rank
    tensor, order = native_any(low, x)
    at = 0
    for y in node.outputs:
        size = low.shape(y)[axis]
        low.put(y, _slice(low, tensor, order.index(axis), at, at + size, 1, node.name or ""), order)
        at += size


@rule("Pad")
def lower_pad(low: Lowering, node: ir.Node) -> None:
    """Elements added at the ends of axes: a constant, the edge, or a reflection."""
    x = node.inputs[0]
    arrays = [low.constant(v) for v in node.inputs[1:]]
    if x is None or not arrays or arrays[0] is None:
        raise refuse(node, "has pads that are computed at run time")
    rank = len(low.shape(x))
    modes = {"constant": 0, "reflect": 1, "edge": 2}
    mode = node.attributes.get_string("mode", "constant") or "constant"
    if mode not in modes:
        raise refuse(node, f"pads in mode {mode!r}")
    axes = (
        [int(a) % rank for a in np.asarray(arrays[2]).reshape(-1)]
        if len(arrays) > 2 and arrays[2] is not None
        else list(range(rank))
    )
    pads = [int(p) for p in arrays[0].reshape(-1)]
    begin, end = dict(zip(axes, pads, strict=False)), dict(zip(axes, pads[len(axes) :], strict=True))
    if min(pads) < 0:
        raise refuse(node, "has negative pads", "write them as Slice")
    tensor, order = native_any(low, x)
    value = float(arrays[1].reshape(())) if len(arrays) > 1 and arrays[1] is not None else 0.0
    attributes: dict[str, int | float] = {"mode": modes[mode], "value": _element_bits(low, tensor, value)}
    for i in range(6):
        attributes[f"b{i}"] = begin.get(order[i], 0) if i < rank else 0
        attributes[f"e{i}"] = end.get(order[i], 0) if i < rank else 0
    low.put(node.outputs[0], low.like("pad", tensor, attributes, node.name or ""), order)


def _element_bits(low: Lowering, tensor: int, value: float) -> int:
    """A real number as the bits of the tensor's element, as a signed 32-bit attribute."""
    scale, zero_point = low.builder.quantization_of(tensor)
    if scale:
        return int(np.clip(np.rint(np.float32(value) / np.float32(scale)) + zero_point, 0, 255))
    if low.builder.type_of(tensor) is Type.F32:
        return int(struct.unpack("<i", struct.pack("<f", value))[0])
    return int(value)


@rule("Gather")
def lower_gather(low: Lowering, node: ir.Node) -> None:
    """Rows picked by index along an axis."""
    x, indices = node.inputs[0], node.inputs[1]
    assert x is not None
    assert indices is not None
    quantized = low.is_quantized(x)
    axis = (node.attributes.get_int("axis", 0) or 0) % len(low.shape(x))
    tensor = low.get(x, quantized=quantized)
    scale, zero_point = low.builder.quantization_of(tensor)
    out = low.builder.operator(
        "gather", [tensor, low.get(indices)], low.builder.type_of(tensor), {"axis": axis},
        name=node.name or "", scale=scale, zero_point=zero_point,
    )  # fmt: skip
    low.put(node.outputs[0], out)


@rule("Expand")
def lower_expand(low: Lowering, node: ir.Node) -> None:
    """Broadcast to the shape that the graph knows."""
    x, y = node.inputs[0], node.outputs[0]
    assert x is not None
    shape = low.shape(y)
    attributes = {"rank": len(shape), **{f"d{i}": shape[i] if i < len(shape) else 1 for i in range(6)}}
    quantized = low.is_quantized(x)
    low.put(y, low.like("expand", low.get(x, quantized=quantized), attributes, node.name or ""))


@rule("Cast")
def lower_cast(low: Lowering, node: ir.Node) -> None:
    """Another element type."""
    x, y = node.inputs[0], node.outputs[0]
    assert x is not None
    if x.dtype == y.dtype:
        low.share(y, x)
        return
    tensor, order = low.native(x)
    low.put(y, low.builder.operator("cast", [tensor], element_type(y), name=node.name or ""), order)
