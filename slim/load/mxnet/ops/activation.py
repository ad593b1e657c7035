"""Activations, elementwise functions of one operand, and softmaxes with the loss heads that contain them."""

from __future__ import annotations

import math
from collections.abc import Callable

import onnx_ir as ir

from slim.load.mxnet.attributes import UntranslatableError
from slim.load.mxnet.node import NodeView, dims

_ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softrelu": "Softplus", "softsign": "Softsign"}


def activation(node: NodeView) -> list[ir.Value]:
    """Activation with its `act_type`."""
    kind = node.attributes.text("act_type", "")
    if kind not in _ACTIVATIONS:
        raise UntranslatableError(f"its act_type '{kind}' is not known")
    return [node.op(_ACTIVATIONS[kind], [node.input()], node.input())]


def leaky_relu(node: NodeView) -> list[ir.Value]:
    """LeakyReLU in all its kinds; `rrelu` uses the middle of its range, as MXNet does at inference."""
    x = node.input()
    kind = node.attributes.text("act_type", "leaky")
    slope = node.attributes.number("slope", 0.25)
    if kind == "leaky":
        return [node.op("LeakyRelu", [x], x, alpha=slope)]
    if kind == "rrelu":
        middle = (node.attributes.number("lower_bound", 0.125) + node.attributes.number("upper_bound", 0.334)) / 2
        return [node.op("LeakyRelu", [x], x, alpha=middle)]
    if kind == "elu":
        return [node.op("Elu", [x], x, alpha=slope)]
    if kind == "selu":
        return [node.op("Selu", [x], x)]
    if kind == "gelu":
        return [node.op("Gelu", [x], x)]
    if kind != "prelu":
        raise UntranslatableError(f"its act_type '{kind}' is not known")
    channels = dims(x)[1] if len(dims(x)) > 1 else 1
    gamma = node.parameter(1, (channels,))
    return [node.op("PRelu", [x, node.reshape(gamma, (channels, *(1 for _ in dims(x)[2:])))], x)]


def unary(op_type: str) -> Callable[[NodeView], list[ir.Value]]:
    """The translation to one ONNX operator of the same meaning."""

    def translate(node: NodeView) -> list[ir.Value]:
        return [node.op(op_type, [node.input()], node.input())]

    return translate


def identity(node: NodeView) -> list[ir.Value]:
    """What does nothing at inference: dropout, gradient blocks, and loss heads that pass their data on."""
    if node.op_type == "Dropout" and node.attributes.text("mode", "training") == "always":
        raise UntranslatableError("it drops values at inference too (mode 'always')")
    return [node.input()]


def square(node: NodeView) -> list[ir.Value]:
    """x * x."""
    return [node.op("Mul", [node.input(), node.input()], node.input())]


def rsqrt(node: NodeView) -> list[ir.Value]:
    """1 / sqrt(x)."""
    return [node.op("Reciprocal", [node.op("Sqrt", [node.input()], node.input())], node.input())]


def hard_sigmoid(node: NodeView) -> list[ir.Value]:
    """clip(alpha * x + beta, 0, 1)."""
    alpha, beta = node.attributes.number("alpha", 0.2), node.attributes.number("beta", 0.5)
    return [node.op("HardSigmoid", [node.input()], node.input(), alpha=alpha, beta=beta)]


def clip(node: NodeView) -> list[ir.Value]:
    """Clip with both bounds."""
    low, high = node.attributes.number("a_min", None), node.attributes.number("a_max", None)
    x = node.input()
    return [node.op("Clip", [x, node.scalar(low, "min"), node.scalar(high, "max")], x)]


def softmax(node: NodeView) -> list[ir.Value]:
    """softmax, log_softmax, softmin along an axis, with an optional temperature."""
    x = node.input()
    if node.count > 1:
        raise UntranslatableError("it takes lengths")
    axis = node.axis("axis", -1, len(dims(x)))
    if node.op_type == "softmin":
        x = node.op("Neg", [x], x)
    if node.attributes.text("temperature", "None") != "None":
        temperature = node.attributes.number("temperature", 1.0)
        x = node.op("Div", [x, node.scalar(temperature, "temperature")], x)
    return [node.op("LogSoftmax" if node.op_type == "log_softmax" else "Softmax", [x], x, axis=axis)]


def softmax_output(node: NodeView) -> list[ir.Value]:
    """SoftmaxOutput without its label: over all but the batch, over channels with `multi_output`, or over the last
    axis with `preserve_shape` (src/operator/softmax_output-inl.h)."""
    if node.attributes.flag("multi_output", False):
        return [_softmax_over(node, 1)]
    return [_softmax_over(node, -1 if node.attributes.flag("preserve_shape", False) else None)]


def softmax_activation(node: NodeView) -> list[ir.Value]:
    """SoftmaxActivation: over channels, or in mode `instance` over the last axis (the code of 1.9.1; its text says
    "each instance")."""
    mode = node.attributes.text("mode", "instance")
    if mode not in ("instance", "channel"):
        raise UntranslatableError(f"its mode '{mode}' is not known")
    return [_softmax_over(node, 1 if mode == "channel" else -1)]


def _softmax_over(node: NodeView, axis: int | None) -> ir.Value:
    """Softmax along `axis`, or over everything but the batch when it is None."""
    x = node.input()
    shape = dims(x)
    if len(shape) < 2 or (axis is None and len(shape) == 2):
        axis = -1
    if axis is not None:
        return node.op("Softmax", [x], x, axis=axis)
    flat = node.reshape(x, (shape[0], math.prod(shape[1:])))
    return node.reshape(node.op("Softmax", [flat], flat, axis=-1), shape)
