"""Convolution and Deconvolution in 1, 2 and 3 dimensions (apache/mxnet, src/operator/nn/convolution.cc)."""

from __future__ import annotations

import math

import onnx_ir as ir

from slim.load.mxnet.attributes import UntranslatableError
from slim.load.mxnet.node import NodeView, Shape, dims

_CHANNELS_FIRST = ("None", "NCW", "NCHW", "NCDHW")


def convolution(node: NodeView) -> list[ir.Value]:
    """Conv; x (N, C, *spatial), weight (O, C/group, *kernel), bias (O)."""
    x = node.input()
    kernel, stride, dilate, pad = _window(node, x)
    filters, group = _filters(node, dims(x)[1])
    size = _out(dims(x)[2:], kernel, stride, dilate, pad)
    inputs = [x, node.parameter(1, (filters, dims(x)[1] // group, *kernel))]
    if not node.attributes.flag("no_bias", False):
        inputs.append(node.parameter(2, (filters,)))
    conv = node.op(
        "Conv",
        inputs,
        (dims(x)[0], filters, *size),
        kernel_shape=list(kernel),
        strides=list(stride),
        dilations=list(dilate),
        pads=list(pad * 2),
        group=group,
    )
    return [conv]


def deconvolution(node: NodeView) -> list[ir.Value]:
    """ConvTranspose; weight (C, O/group, *kernel); `target_shape` overrides pad and adj (see `InferPad` of
    deconvolution-inl.h)."""
    x = node.input()
    kernel, stride, dilate, pad = _window(node, x)
    filters, group = _filters(node, dims(x)[1])
    adjust = _fill(node, "adj", len(kernel), 0)
    target = node.attributes.integers("target_shape", ())
    full = tuple(
        s * (size - 1) + d * (k - 1) + 1 for size, k, s, d in zip(dims(x)[2:], kernel, stride, dilate, strict=True)
    )
    if any(target):
        if len(target) != len(kernel) or any(want > have for want, have in zip(target, full, strict=True)):
            raise UntranslatableError(f"its target_shape {target} is larger than {full}")
        pad = tuple((have - want + 1) // 2 for want, have in zip(target, full, strict=True))
        adjust = tuple((have - want) % 2 for want, have in zip(target, full, strict=True))
    size = tuple(have - 2 * p + a for have, p, a in zip(full, pad, adjust, strict=True))
    inputs = [x, node.parameter(1, (dims(x)[1], filters // group, *kernel))]
    if not node.attributes.flag("no_bias", True):
        inputs.append(node.parameter(2, (filters,)))
    conv = node.op(
        "ConvTranspose",
        inputs,
        (dims(x)[0], filters, *size),
        kernel_shape=list(kernel),
        strides=list(stride),
        dilations=list(dilate),
        pads=list(pad * 2),
        output_padding=list(adjust),
        group=group,
    )
    return [conv]


def _window(node: NodeView, x: ir.Value) -> tuple[Shape, Shape, Shape, Shape]:
    """(kernel, stride, dilate, pad), each with one entry a spatial dimension."""
    if node.attributes.text("layout", "None") not in _CHANNELS_FIRST:
        raise UntranslatableError(f"its layout {node.attributes.text('layout', '')} is not one with channels first")
    kernel = node.attributes.integers("kernel")
    if len(dims(x)) != len(kernel) + 2:
        raise UntranslatableError(f"its kernel {kernel} does not fit its input {dims(x)}")
    rank = len(kernel)
    stride, dilate = _fill(node, "stride", rank, 1), _fill(node, "dilate", rank, 1)
    pad = _fill(node, "pad", rank, 0)
    if min(kernel + stride + dilate) < 1 or min(pad) < 0:
        raise UntranslatableError("its kernel, stride, dilate or pad is out of range")
    return kernel, stride, dilate, pad


def _fill(node: NodeView, name: str, rank: int, default: int) -> Shape:
    values = node.attributes.integers(name, (default,) * rank)
    if len(values) != rank:
        raise UntranslatableError(f"its {name} {values} does not fit its kernel of {rank} dimensions")
    return values


def _filters(node: NodeView, channels: int) -> tuple[int, int]:
    filters, group = node.attributes.integer("num_filter"), node.attributes.integer("num_group", 1)
    if filters < 1 or group < 1 or filters % group or channels % group:
        raise UntranslatableError(f"{filters} filters in {group} groups do not divide {channels} channels")
    return filters, group


def _out(size: Shape, kernel: Shape, stride: Shape, dilate: Shape, pad: Shape) -> Shape:
    return tuple(
        math.floor((n + 2 * p - d * (k - 1) - 1) / s) + 1
        for n, k, s, d, p in zip(size, kernel, stride, dilate, pad, strict=True)
    )
