"""What a layer's weights are multiplied with, at a few output positions: the columns of im2col, drawn at random.

Used to estimate second moments of a layer's inputs; all positions are not needed and would cost more than inference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

Array = npt.NDArray[np.float32]


def columns(node: ir.Node, values: Array, limit: int, generator: np.random.Generator) -> Array:
    """(G, K, P): for P <= `limit` output positions, the K inputs that each of the G groups multiplies there.

    `node` is a Conv with `values` (N, C, ...), K = C / G * kernel size in the order of its weights; or a Gemm or
    MatMul with `values` (..., K) and G = 1.
    """
    if node.op_type != "Conv":
        rows = values.reshape(-1, values.shape[-1])
        if len(rows) > limit:
            rows = rows[generator.choice(len(rows), limit, replace=False)]
        return rows.T[None]
    weight = node.inputs[1]
    assert weight is not None
    assert weight.const_value is not None
    kernel = list(weight.const_value.shape.numpy())[2:]
    strides = list(node.attributes.get_ints("strides", [1] * len(kernel)))
    dilations = list(node.attributes.get_ints("dilations", [1] * len(kernel)))
    begins, ends = padding(node, values.shape[2:], kernel, strides, dilations)
    padded = np.pad(values, [(0, 0), (0, 0), *zip(begins, ends, strict=True)])
    reach = [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True)]
    counts = [
        (length - span) // stride + 1 for length, span, stride in zip(padded.shape[2:], reach, strides, strict=True)
    ]  # fmt: skip
    total = values.shape[0] * math.prod(counts)
    picked = np.arange(total) if total <= limit else generator.choice(total, limit, replace=False)
    sample, *position = np.unravel_index(picked, [values.shape[0], *counts])
    offsets = np.indices(kernel).reshape(len(kernel), -1)  # (axes, taps)
    where = [
        at[:, None] * stride + offset[None, :] * dilation
        for at, stride, offset, dilation in zip(position, strides, offsets, dilations, strict=True)
    ]  # each (P, taps)
    taken = np.moveaxis(padded, 1, -1)[(sample[:, None], *where)]  # (P, taps, C)
    groups = node.attributes.get_int("group", 1)
    channels = values.shape[1] // groups
    grouped = taken.reshape(len(picked), -1, groups, channels).transpose(2, 3, 1, 0)  # (G, C / G, taps, P)
    result: Array = grouped.reshape(groups, -1, len(picked))
    return result


def padding(
    node: ir.Node, lengths: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> tuple[list[int], list[int]]:
    """(begins, ends) of a Conv's spatial axes, from `pads` or worked out from `auto_pad` (ONNX operator Conv)."""
    axes = len(kernel)
    mode = node.attributes.get_string("auto_pad", "NOTSET")
    if mode in ("NOTSET", "", None):
        pads = list(node.attributes.get_ints("pads", [0] * 2 * axes))
        return pads[:axes], pads[axes:]
    if mode == "VALID":
        return [0] * axes, [0] * axes
    needed = [
        max(0, (-(-length // stride) - 1) * stride + (size - 1) * dilation + 1 - length)
        for length, size, stride, dilation in zip(lengths, kernel, strides, dilations, strict=True)
    ]
    small, large = [pad // 2 for pad in needed], [pad - pad // 2 for pad in needed]
    return (small, large) if mode == "SAME_UPPER" else (large, small)
