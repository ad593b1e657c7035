"""Pooling, with MXNet's three conventions for the size of the output (src/operator/nn/pooling.cc)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx_ir as ir

from slim.load.mxnet.attributes import UntranslatableError
from slim.load.mxnet.node import NodeView, Shape, dims


def pooling(node: NodeView) -> list[ir.Value]:
    """MaxPool, AveragePool or LpPool, or their global forms; sum is average times the window's size."""
    x = node.input()
    spatial = dims(x)[2:]
    if not spatial or node.attributes.text("layout", "None") not in ("None", "NCW", "NCHW", "NCDHW"):
        raise UntranslatableError("its layout is not one with channels first")
    kind = node.attributes.text("pool_type", "max")
    if kind not in ("max", "avg", "sum", "lp"):
        raise UntranslatableError(f"its pool_type '{kind}' is not known")
    if node.attributes.flag("global_pool", False):
        return [_global(node, x, kind)]
    kernel = node.attributes.integers("kernel")
    rank = len(kernel)
    stride, pad = node.attributes.integers("stride", (1,) * rank), node.attributes.integers("pad", (0,) * rank)
    if not len(spatial) == len(stride) == len(pad) == rank or min(kernel + stride) < 1 or min(pad) < 0:
        raise UntranslatableError(f"its kernel {kernel}, stride {stride} and pad {pad} do not fit its input {dims(x)}")
    if any(p >= k for p, k in zip(pad, kernel, strict=True)):
        raise UntranslatableError(f"its pad {pad} is as large as its kernel {kernel}")
    size = _size(node, spatial, kernel, stride, pad)
    beyond = tuple(
        max((o - 1) * s + k - n - 2 * p, 0) for o, n, k, s, p in zip(size, spatial, kernel, stride, pad, strict=True)
    )
    same = node.attributes.text("pooling_convention", "valid") == "same"
    if same and any(pad) and kind != "max":
        raise UntranslatableError("it averages padded windows under the convention 'same'")
    if any((o - 1) * s >= n + p for o, n, s, p in zip(size, spatial, stride, pad, strict=True)):
        raise UntranslatableError("its last window lies outside its input")
    shape = (*dims(x)[:2], *size)
    window: dict[str, Any] = {"kernel_shape": list(kernel), "strides": list(stride), "pads": list(pad * 2)}
    if same:  # more windows than rounding up gives: say how far they reach
        window["pads"] = [*pad, *(p + extra for p, extra in zip(pad, beyond, strict=True))]
    elif any(beyond):
        window["ceil_mode"] = 1
    if kind == "max":
        return [node.op("MaxPool", [x], shape, **window)]
    if kind == "lp":
        return [node.op("LpPool", [x], shape, p=_norm(node), **window)]
    if kind == "sum" and any(beyond):
        raise UntranslatableError("it sums windows that end outside its input")
    include = kind == "sum" or (node.attributes.flag("count_include_pad", True) and any(pad))
    average = node.op("AveragePool", [x], shape, count_include_pad=int(include), **window)
    if kind == "avg":
        return [average]
    return [node.op("Mul", [average, node.scalar(math.prod(kernel), "window")], average)]


def _global(node: NodeView, x: ir.Value, kind: str) -> ir.Value:
    shape = (*dims(x)[:2], *(1 for _ in dims(x)[2:]))
    if kind == "sum":
        axes = node.constant(np.arange(2, len(shape), dtype=np.int64), "axes")
        return node.op("ReduceSum", [x, axes], shape, keepdims=1)
    if kind == "lp":
        return node.op("GlobalLpPool", [x], shape, p=_norm(node))
    return node.op("GlobalMaxPool" if kind == "max" else "GlobalAveragePool", [x], shape)


def _norm(node: NodeView) -> int:
    p = node.attributes.integer("p_value", 2)
    if p < 1:
        raise UntranslatableError(f"its p_value {p} is below 1")
    return p


def _size(node: NodeView, spatial: Shape, kernel: Shape, stride: Shape, pad: Shape) -> Shape:
    """The output's spatial dims: `valid` rounds down, `full` rounds up, `same` counts strides only."""
    convention = node.attributes.text("pooling_convention", "valid")
    windows = list(zip(spatial, kernel, stride, pad, strict=True))
    if convention == "valid":
        return tuple((n + 2 * p - k) // s + 1 for n, k, s, p in windows)
    if convention == "full":
        return tuple(-(-(n + 2 * p - k) // s) + 1 for n, k, s, p in windows)
    if convention == "same" and len(kernel) == 1:  # MXNet itself has it for one dimension only
        return tuple(-(-(n + 2 * p) // s) for n, _, s, p in windows)
    raise UntranslatableError(f"its pooling_convention '{convention}' does not fit {len(kernel)} dimensions")
