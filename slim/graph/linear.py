"""Multiplying a per-channel scale and adding a per-channel shift into the weights of a linear operator.

The algebra that the batch-norm and scale passes share. With y = L(x) + b, per output channel o and input channel i:

1. After: s * (L(x) + b) + t = (s[o] * L)(x) + (s[o] * b[o] + t[o]). Always exact.
2. Before: L(s * x + t) + b = (L * s[i])(x) + (b + L(t)). The shift is exact only where no padding is read, because
   padding is zero after the shift, not before it; the scale is exact everywhere.

A layer qualifies when its weight is a floating point constant that no other node reads (else folding would store it
twice) and its bias is absent or constant. Products are formed in float64 and rounded once.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from slim.prune.edit import Array, constant, dims, input_of, is_float, is_op, set_constant

LINEAR = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def is_layer(node: ir.Node | None) -> bool:
    """Whether the node is a linear operator whose weight and bias can be rewritten."""
    if node is None or not is_op(node, *LINEAR) or len(node.inputs) < 2:
        return False
    weight, bias = node.inputs[1], input_of(node, 2)
    if constant(weight) is None or weight is None or not is_float(weight) or len(weight.uses()) != 1:
        return False
    if weight.is_graph_output() or (bias is not None and constant(bias) is None):
        return False
    if node.op_type == "MatMul":
        return len(weight.shape or ()) == 2
    return node.op_type != "Gemm" or node.attributes.get_int("transA", 0) == 0


def output_axis(node: ir.Node) -> int:
    """The axis of the output channels in the layer's output: 1 for convolutions, the last for dense layers."""
    shape = dims(node.outputs[0])
    return 1 if "Conv" in node.op_type else len(shape or (0, 0)) - 1


def output_channels(node: ir.Node) -> int:
    """How many output channels a layer has."""
    weight = dims(node.inputs[1])
    assert weight is not None
    if node.op_type == "Conv" or _is_transposed(node):
        return weight[0]
    return weight[1] * (node.attributes.get_int("group", 1) if node.op_type == "ConvTranspose" else 1)


def absorb_after(node: ir.Node, scale: Array, shift: Array) -> bool:
    """Make the layer compute `scale * layer(x) + shift`, both float64 of shape [O]. False when it has no place for the
    shift (MatMul, or a Gemm bias with a row for each sample)."""
    if node.op_type == "MatMul" and shift.any():
        return False
    weight, bias = constant(node.inputs[1]), _bias(node)
    if weight is None or bias is None:
        return False
    if not (scale == 1).all():
        set_constant(node, 1, _scale_outputs(node, weight, scale), "weight")
    if node.op_type != "MatMul":
        _set_bias(node, scale * bias + shift, weight.dtype)
    return True


def absorb_before(node: ir.Node, scale: Array, shift: Array) -> bool:
    """Make the layer compute `layer(scale * x + shift)`, both float64 of shape [I]. False when padding or a missing
    bias makes the shift impossible, or for a ConvTranspose with a shift (its borders see fewer taps)."""
    weight, bias = constant(node.inputs[1]), _bias(node)
    if weight is None or bias is None:
        return False
    if shift.any() and (node.op_type in ("MatMul", "ConvTranspose") or is_padded(node)):
        return False
    per_input = _per_input(node, weight, scale)
    if shift.any():
        _set_bias(node, bias + _response(node, weight, shift), weight.dtype)
    if not (scale == 1).all():
        set_constant(node, 1, (weight.astype(np.float64) * per_input).astype(weight.dtype), "weight")
    return True


def input_channels(node: ir.Node) -> int:
    """How many input channels a layer has."""
    weight = dims(node.inputs[1])
    assert weight is not None
    if node.op_type == "Conv":
        return weight[1] * node.attributes.get_int("group", 1)
    return weight[1] if _is_transposed(node) else weight[0]


def _is_transposed(node: ir.Node) -> bool:
    """Whether the weight of a dense layer is [O, I] rather than [I, O]."""
    return node.op_type == "Gemm" and node.attributes.get_int("transB", 0) != 0


def is_padded(node: ir.Node) -> bool:
    """Whether a convolution reads any padding."""
    auto = node.attributes.get_string("auto_pad", "NOTSET")
    return auto.startswith("SAME") or (auto == "NOTSET" and any(node.attributes.get_ints("pads", ()) or ()))


def _bias(node: ir.Node) -> Array | None:
    """The bias as float64 [O], zeros when absent, None when it is not one value for each output channel."""
    channels = output_channels(node)
    bias = constant(input_of(node, 2))
    if bias is None:
        return np.zeros(channels)
    if bias.size != 1 and (bias.size != channels or bias.shape[-1] != channels):
        return None
    factor = node.attributes.get_float("beta", 1.0) if node.op_type == "Gemm" else 1.0
    return np.broadcast_to(bias.astype(np.float64).reshape(-1) * factor, (channels,))


def _set_bias(node: ir.Node, bias: Array, dtype: np.dtype) -> None:
    if node.op_type == "Gemm":
        node.attributes.pop("beta", None)
    if input_of(node, 2) is None and not bias.any():
        return
    set_constant(node, 2, bias.astype(dtype), f"{node.inputs[1].name if node.inputs[1] else 'layer'}.bias")


def _scale_outputs(node: ir.Node, weight: Array, scale: Array) -> Array:
    if node.op_type == "Conv":  # [O, I/group, ...]
        factor = scale.reshape(-1, *[1] * (weight.ndim - 1))
    elif node.op_type == "ConvTranspose":  # [I, O/group, ...]
        group = node.attributes.get_int("group", 1)
        factor = scale.reshape(group, 1, -1).repeat(weight.shape[0] // group, 1)
        factor = factor.reshape(*weight.shape[:2], *[1] * (weight.ndim - 2))
    elif _is_transposed(node):  # [O, I]
        factor = scale[:, None]
    else:  # [I, O]
        factor = scale[None, :]
    return (weight.astype(np.float64) * factor).astype(weight.dtype)


def _per_input(node: ir.Node, weight: Array, values: Array) -> Array:
    """One value for each input channel, shaped to multiply the weight."""
    if node.op_type == "Conv":  # [O, I/group, ...]: output channel o reads the inputs of its own group
        group = node.attributes.get_int("group", 1)
        rows = values.reshape(group, -1).repeat(weight.shape[0] // group, 0)
        return rows.reshape(*weight.shape[:2], *[1] * (weight.ndim - 2))
    if _is_transposed(node):
        return values[None, :]
    return values.reshape(-1, *[1] * (weight.ndim - 1))


def _response(node: ir.Node, weight: Array, shift: Array) -> Array:
    """What an unpadded layer without bias answers to a constant input: float64 [O]."""
    product = weight.astype(np.float64) * _per_input(node, weight, shift)
    if node.op_type == "Conv":
        return np.asarray(product.reshape(weight.shape[0], -1).sum(1))
    alpha = node.attributes.get_float("alpha", 1.0)
    return np.asarray(alpha * product.sum(1 if _is_transposed(node) else 0))
