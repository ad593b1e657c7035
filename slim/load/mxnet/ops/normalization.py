"""BatchNorm, InstanceNorm, LayerNorm, L2Normalization and LRN, at inference."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from slim.load.mxnet.attributes import UntranslatableError
from slim.load.mxnet.node import NodeView, dims


def batch_norm(node: NodeView) -> list[ir.Value]:
    """BatchNormalization with the moving statistics. `fix_gamma`, true by default, means that gamma is 1 whatever the
    file holds; another axis than 1 is moved there and back."""
    x = node.input()
    rank = len(dims(x))
    if rank < 2:
        raise UntranslatableError(f"its input of shape {dims(x)} has no channels")
    axis = node.axis("axis", 1, rank)
    channels = dims(x)[axis]
    order = (0, axis, *(index for index in range(1, rank) if index != axis))
    if axis == 0:
        raise UntranslatableError("it normalises along the batch")
    if axis != 1:
        x = node.transpose(x, order)
    gamma = node.parameter(1, (channels,))
    if node.attributes.flag("fix_gamma", True):
        gamma = node.constant(np.ones(channels, np.float32), "gamma")
    others = [node.parameter(index, (channels,)) for index in (2, 3, 4)]
    epsilon = node.attributes.number("eps", 1e-3)
    y = node.op("BatchNormalization", [x, gamma, *others], x, epsilon=epsilon)
    return [y if axis == 1 else node.transpose(y, tuple(int(index) for index in np.argsort(order)))]


def instance_norm(node: NodeView) -> list[ir.Value]:
    """InstanceNormalization; x (N, C, ...), gamma and beta (C)."""
    x = node.input()
    if len(dims(x)) < 3:
        raise UntranslatableError(f"its input of shape {dims(x)} has no positions")
    channels = dims(x)[1]
    inputs = [x, node.parameter(1, (channels,)), node.parameter(2, (channels,))]
    return [node.op("InstanceNormalization", inputs, x, epsilon=node.attributes.number("eps", 1e-3))]


def layer_norm(node: NodeView) -> list[ir.Value]:
    """LayerNormalization over the last axis."""
    x = node.input()
    rank = len(dims(x))
    if node.axis("axis", -1, rank) != rank - 1:
        raise UntranslatableError("it normalises another axis than the last")
    size = dims(x)[-1]
    inputs = [x, node.parameter(1, (size,)), node.parameter(2, (size,))]
    return [node.op("LayerNormalization", inputs, x, axis=-1, epsilon=node.attributes.number("eps", 1e-5))]


def l2_normalization(node: NodeView) -> list[ir.Value]:
    """x / sqrt(sum(x^2) + eps), over all but the batch, over channels, or over positions."""
    x = node.input()
    mode = node.attributes.text("mode", "instance")
    rank = len(dims(x))
    axes = {"instance": range(1, rank), "channel": range(1, 2), "spatial": range(2, rank)}.get(mode)
    if axes is None or not axes:
        raise UntranslatableError(f"its mode '{mode}' does not fit an input of rank {rank}")
    reduced = tuple(1 if index in axes else size for index, size in enumerate(dims(x)))
    squares = node.op("Mul", [x, x], x)
    total = node.op("ReduceSum", [squares, node.constant(np.array(axes, np.int64), "axes")], reduced, keepdims=1)
    shifted = node.op("Add", [total, node.scalar(node.attributes.number("eps", 1e-10), "eps")], total)
    return [node.op("Div", [x, node.op("Sqrt", [shifted], shifted)], x)]


def lrn(node: NodeView) -> list[ir.Value]:
    """LRN across channels; MXNet and ONNX both divide alpha by the size."""
    x = node.input()
    size = node.attributes.integer("nsize")
    if size < 1 or size % 2 == 0 or len(dims(x)) < 3:
        raise UntranslatableError(f"its nsize {size} is not odd")
    alpha, beta = node.attributes.number("alpha", 1e-4), node.attributes.number("beta", 0.75)
    return [node.op("LRN", [x], x, size=size, alpha=alpha, beta=beta, bias=node.attributes.number("knorm", 2.0))]
