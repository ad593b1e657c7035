"""Operators that move elements without computing: reshape, transpose, slice, split, concat, pad, upsample, cast."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx_ir as ir

from slim.load.mxnet.attributes import UntranslatableError
from slim.load.mxnet.node import NodeView, dims, front
from slim.load.mxnet.ops.reshape_codes import reshaped


def reshape(node: NodeView) -> list[ir.Value]:
    """Reshape with MXNet's codes; before 0.9 `target_shape`, whose 0 means "what is left"."""
    x = node.input()
    codes = node.attributes.integers("shape", ())
    if not codes:
        target = node.attributes.integers("target_shape")
        if node.attributes.flag("keep_highest", False):
            target = (dims(x)[0], *target[1:])
        return [node.reshape(x, reshaped(dims(x), tuple(-1 if size == 0 else size for size in target)))]
    return [node.reshape(x, reshaped(dims(x), codes, node.attributes.flag("reverse", False)))]


def flatten(node: NodeView) -> list[ir.Value]:
    """All but the batch in one dimension."""
    x = node.input()
    return [node.op("Flatten", [x], (dims(x)[0], math.prod(dims(x)[1:])), axis=1)]


def transpose(node: NodeView) -> list[ir.Value]:
    """Axes in the order of `axes`, reversed when missing."""
    x = node.input()
    rank = len(dims(x))
    axes = tuple(front(axis, rank) for axis in node.attributes.integers("axes", tuple(range(rank))[::-1]))
    if sorted(axes) != list(range(rank)):
        raise UntranslatableError(f"its axes {axes} are not an order of {rank} axes")
    return [node.transpose(x, axes)]


def swap_axes(node: NodeView) -> list[ir.Value]:
    """Two axes exchanged."""
    x = node.input()
    order = list(range(len(dims(x))))
    a, b = node.axis("dim1", 0, len(order)), node.axis("dim2", 0, len(order))
    order[a], order[b] = order[b], order[a]
    return [node.transpose(x, tuple(order))]


def expand_dims(node: NodeView) -> list[ir.Value]:
    """A new dimension of size 1."""
    x = node.input()
    axis = front(node.attributes.integer("axis"), len(dims(x)) + 1)
    return [node.reshape(x, (*dims(x)[:axis], 1, *dims(x)[axis:]))]


def squeeze(node: NodeView) -> list[ir.Value]:
    """Dimensions of size 1 removed: those of `axis`, or all."""
    x = node.input()
    rank = len(dims(x))
    axes = tuple(front(axis, rank) for axis in node.attributes.integers("axis", ()))
    axes = axes or tuple(index for index, size in enumerate(dims(x)) if size == 1)
    if any(dims(x)[axis] != 1 for axis in axes):
        raise UntranslatableError(f"its axes {axes} are not all of size 1 in {dims(x)}")
    shape = tuple(size for index, size in enumerate(dims(x)) if index not in axes)
    return [node.reshape(x, shape or (1,))]


def concat(node: NodeView) -> list[ir.Value]:
    """Operands joined along `dim`."""
    values = node.inputs()
    if not values:
        raise UntranslatableError("it has no inputs")
    first = dims(values[0])
    axis = node.axis("dim", 1, len(first))
    rests = {dims(value)[:axis] + dims(value)[axis + 1 :] for value in values}
    if len(rests) != 1 or any(len(dims(value)) != len(first) for value in values):
        raise UntranslatableError(f"operands of shapes {', '.join(str(dims(value)) for value in values)} do not join")
    size = sum(dims(value)[axis] for value in values)
    return [node.op("Concat", values, (*first[:axis], size, *first[axis + 1 :]), axis=axis)]


def slice_channel(node: NodeView) -> list[ir.Value]:
    """An axis cut into `num_outputs` equal parts, and removed with `squeeze_axis`."""
    x = node.input()
    count, axis = node.attributes.integer("num_outputs"), node.axis("axis", 1, len(dims(x)))
    if not 0 < count <= dims(x)[axis] or dims(x)[axis] % count:
        raise UntranslatableError(f"{dims(x)[axis]} does not divide into {count} parts")
    shape = (*dims(x)[:axis], dims(x)[axis] // count, *dims(x)[axis + 1 :])
    parts = node.op_many("Split", [x], [shape] * count, {"axis": axis, "num_outputs": count})
    if not node.attributes.flag("squeeze_axis", False):
        return parts
    if shape[axis] != 1:
        raise UntranslatableError(f"its parts have size {shape[axis]}, which squeeze_axis cannot remove")
    return [node.reshape(part, (*shape[:axis], *shape[axis + 1 :])) for part in parts]


def slice_axis(node: NodeView) -> list[ir.Value]:
    """`begin:end` of one axis."""
    x = node.input()
    axis = front(node.attributes.integer("axis"), len(dims(x)))
    return [_sliced(node, x, {axis: slice(node.attributes.integer("begin"), node.attributes.optional_integer("end"))})]


def slice_all(node: NodeView) -> list[ir.Value]:
    """`begin:end:step` of the leading axes."""
    x = node.input()
    begin, end = node.attributes.optional_integers("begin"), node.attributes.optional_integers("end")
    step = node.attributes.optional_integers("step") or (None,) * len(begin)
    if not len(begin) == len(end) == len(step) <= len(dims(x)) or 0 in step:
        raise UntranslatableError(f"its begin {begin}, end {end} and step {step} do not fit {dims(x)}")
    return [_sliced(node, x, {axis: slice(*part) for axis, part in enumerate(zip(begin, end, step, strict=True))})]


def _sliced(node: NodeView, x: ir.Value, parts: dict[int, slice]) -> ir.Value:
    shape = list(dims(x))
    rows = []
    for axis, part in parts.items():
        start, stop, step = part.indices(shape[axis])
        shape[axis] = len(range(start, stop, step))
        rows.append((start, -(2**31) if stop < 0 else stop, axis, step))
    starts, ends, axes, steps = np.array(rows, np.int64).T
    named = [node.constant(a, n) for a, n in ((starts, "starts"), (ends, "ends"), (axes, "axes"), (steps, "steps"))]
    return node.op("Slice", [x, *named], tuple(shape))


def pad(node: NodeView) -> list[ir.Value]:
    """Pad; `pad_width` is (before, after) of each axis in turn, which ONNX keeps apart."""
    x = node.input()
    mode = node.attributes.text("mode", "constant")
    width = node.attributes.integers("pad_width")
    if mode not in ("constant", "edge", "reflect") or len(width) != 2 * len(dims(x)) or min(width) < 0:
        raise UntranslatableError(f"its mode '{mode}' and pad_width {width} do not fit {dims(x)}")
    before, after = width[::2], width[1::2]
    inputs = [x, node.constant(np.array(before + after, np.int64), "pads")]
    if mode == "constant":
        inputs.append(node.scalar(node.attributes.number("constant_value", 0.0), "value"))
    shape = tuple(size + b + a for size, b, a in zip(dims(x), before, after, strict=True))
    return [node.op("Pad", inputs, shape, mode=mode)]


def up_sampling(node: NodeView) -> list[ir.Value]:
    """Nearest neighbour by a whole factor (Resize), or bilinear by a trained depthwise deconvolution."""
    x = node.input()
    scale = node.attributes.integer("scale")
    if len(dims(x)) != 4 or not 0 < scale < 1024:
        raise UntranslatableError(f"its scale {scale} does not fit {dims(x)}")
    batch, channels, height, width = dims(x)
    shape = (batch, channels, height * scale, width * scale)
    kind = node.attributes.text("sample_type", "")
    if kind == "nearest" and node.count == 1:
        scales = node.constant(np.array((1, 1, scale, scale), np.float32), "scales")
        mode: dict[str, Any] = {
            "mode": "nearest",
            "nearest_mode": "floor",
            "coordinate_transformation_mode": "asymmetric",
        }
        return [node.op("Resize", [x, None, scales], shape, **mode)]
    if kind != "bilinear":
        raise UntranslatableError(f"its sample_type '{kind}' with {node.count} inputs is not known")
    kernel, margin = 2 * scale - scale % 2, math.ceil((scale - 1) / 2)
    weight = node.parameter(1, (channels, 1, kernel, kernel))
    window: dict[str, Any] = {
        "kernel_shape": [kernel] * 2,
        "strides": [scale] * 2,
        "pads": [margin] * 4,
        "group": channels,
    }
    return [node.op("ConvTranspose", [x, weight], shape, **window)]


def cast(node: NodeView) -> list[ir.Value]:
    """Cast; half and double precision read as fp32, in which slim computes."""
    x = node.input()
    dtype = node.attributes.text("dtype", "")
    types = {
        "int32": ir.DataType.INT32,
        "int64": ir.DataType.INT64,
        "int8": ir.DataType.INT8,
        "uint8": ir.DataType.UINT8,
    }
    types |= dict.fromkeys(("float16", "float32", "float64"), ir.DataType.FLOAT)
    if dtype not in types:
        raise UntranslatableError(f"its dtype '{dtype}' is not known")
    return [x if x.dtype == types[dtype] else node.op("Cast", [x], x, types[dtype], to=int(types[dtype]))]
