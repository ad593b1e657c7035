"""Gemm and MatMul: constant weights become panels (fp32 or int8); two computed matrices become `matmul_f32`."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from slim.core.format import Type
from slim.lower import panels
from slim.lower.activations import FLOAT_MAX, claim, follow
from slim.lower.arithmetic import suits_bf16
from slim.lower.context import Lowering, plain_order
from slim.lower.integers import IntegerLayer, integer_layer
from slim.lower.rules import ints, refuse, rule
from slim.lower.strassen import suits_strassen


@rule("Gemm")
def lower_gemm(low: Lowering, node: ir.Node) -> None:
    """y = alpha * a @ b + beta * c with constant b and c."""
    a, b = node.inputs[0], node.inputs[1]
    c = node.inputs[2] if len(node.inputs) > 2 else None
    assert a is not None
    assert b is not None
    alpha, beta = node.attributes.get_float("alpha", 1.0), node.attributes.get_float("beta", 1.0)
    if node.attributes.get_int("transA", 0):
        raise refuse(node, "transposes its first input", "transpose it with an operator of its own")
    transposed = bool(node.attributes.get_int("transB", 0))
    if alpha == 1.0 and beta == 1.0:
        layer = integer_layer(low, a, b, c, node.outputs[0], transpose=not transposed)
        if layer is not None:
            _dense_u8(low, node, a, layer)
            return
    weights, bias = low.constant(b), low.constant(c)
    if weights is None or (c is not None and bias is None):
        raise refuse(node, "has weights that are computed at run time", "write it as MatMul and Add")
    weights = np.asarray(weights if transposed else weights.T, np.float32) * np.float32(alpha)
    bias = np.zeros(1, np.float32) if bias is None else np.asarray(bias, np.float32) * np.float32(beta)
    if bias.ndim > 1 and bias.shape[0] != 1:
        raise refuse(node, "adds a whole matrix", "write it as MatMul and Add")
    _dense_f32(low, node, a, weights, np.broadcast_to(bias.reshape(-1), (weights.shape[0],)))


@rule("MatMul")
def lower_matmul(low: Lowering, node: ir.Node) -> None:
    """y = a @ b, the last two axes."""
    a, b = node.inputs[0], node.inputs[1]
    assert a is not None
    assert b is not None
    if len(low.shape(b)) == 2 and len(low.shape(a)) >= 2:
        bias = _constant_addend(low, node, low.shape(b)[1])
        layer = integer_layer(
            low, a, b, bias[1] if bias else None, bias[0].outputs[0] if bias else node.outputs[0], transpose=True
        )
        if layer is not None:
            if bias:
                low.done.add(bias[0])
            _dense_u8(low, node, a, layer)
            return
        weights = low.constant(b)
        if weights is not None:
            addend = np.zeros(weights.shape[1], np.float32)
            y = node.outputs[0]
            if bias:
                array = low.constant(bias[1])
                assert array is not None
                addend = np.broadcast_to(array.reshape(-1), addend.shape).astype(np.float32)
                low.done.add(bias[0])
                y = bias[0].outputs[0]
            _dense_f32(low, node, a, np.asarray(weights.T, np.float32), addend, y)
            return
    if min(len(low.shape(a)), len(low.shape(b))) < 2:
        raise refuse(node, "multiplies a vector", "reshape it to a matrix")
    _matmul_f32(low, node, a, b)


def _matmul_f32(low: Lowering, node: ir.Node, a: ir.Value, b: ir.Value) -> None:
    """Two computed matrices, read in the order in which they lie, written in the one that a Transpose asks for."""
    y, scale = node.outputs[0], 1.0
    after = _constant_factor(low, node)
    if after is not None:
        low.done.add(after[0])
        y, scale = after[0].outputs[0], after[1]
    rank = len(low.shape(y))
    left, left_order = low.native(a)
    if left_order[-1] != len(left_order) - 1:  # rows must lie in one piece
        left, left_order = low.get(a), plain_order(len(left_order))
    right, right_order = low.native(b)
    order = plain_order(rank)
    reader = low.sole_consumer(y)
    if reader is not None and reader.op_type == "Transpose":
        wanted = tuple(ints(reader, "perm", list(order)[::-1]))
        order = wanted if wanted[-1] == rank - 1 else order
    attributes: dict[str, int | float] = {"scale": scale}
    for name, stored in (("a", left_order), ("b", right_order), ("y", order)):
        attributes |= {f"{name}{i}": stored.index(i) if i < len(stored) else i for i in range(6)}
    tensor = low.builder.operator("matmul_f32", [left, right], Type.F32, attributes, name=node.name or "")
    low.put(y, tensor, order)


def _constant_factor(low: Lowering, node: ir.Node) -> tuple[ir.Node, float] | None:
    """The Mul or Div by one constant number that alone reads the node's output, and the factor."""
    y = node.outputs[0]
    after = low.sole_consumer(y)
    if after is None or after.op_type not in ("Mul", "Div") or after.domain not in ("", "ai.onnx"):
        return None
    other = after.inputs[1] if after.inputs[0] is y else after.inputs[0]
    array = low.constant(other)
    if array is None or array.size != 1 or array.dtype != np.float32 or low.shape(after.outputs[0]) != low.shape(y):
        return None
    number = float(array.reshape(()))
    if after.op_type == "Mul":
        return after, number
    return (after, 1.0 / number) if after.inputs[0] is y and number else None


def _constant_addend(low: Lowering, node: ir.Node, outputs: int) -> tuple[ir.Node, ir.Value] | None:
    """The Add of a constant vector that alone reads the node's output."""
    add = low.sole_consumer(node.outputs[0])
    if add is None or add.op_type != "Add" or add.domain not in ("", "ai.onnx"):
        return None
    other = add.inputs[1] if add.inputs[0] is node.outputs[0] else add.inputs[0]
    array = low.constant(other)
    if (
        other is None
        or array is None
        or array.size not in (1, outputs)
        or (array.ndim and array.shape[-1] != array.size)
    ):
        return None
    if low.shape(add.outputs[0]) != low.shape(node.outputs[0]):
        return None
    return add, other


def _dense_f32(
    low: Lowering, node: ir.Node, a: ir.Value, weights: np.ndarray, bias: np.ndarray, y: ir.Value | None = None
) -> None:
    chain = follow(low, y if y is not None else node.outputs[0], residual=True)
    packed, kind = None, "dense_f32"
    if low.bf16 and suits_bf16(weights.shape[1], weights.shape[0]):
        packed = panels.gemm_bf16(weights[:, None])
    if packed is not None:
        kind = "dense_bf16"
    else:
        packed = panels.gemm_f32(weights)
        if low.winograd and suits_strassen(int(np.prod(low.shape(a)[:-1])), weights.shape[1], weights.shape[0]):
            kind = "strassen_f32"
    inputs: list[int | None] = [low.get(a), low.place_constant(packed), low.place_constant(panels.vector(bias))]
    if chain.residual is not None:
        inputs.append(low.get(chain.residual))
    attributes: dict[str, int | float] = {
        "out_channels": weights.shape[0],
        "lo": max(chain.lo, -FLOAT_MAX),
        "hi": min(chain.hi, FLOAT_MAX),
    }
    if kind == "strassen_f32":
        attributes |= {"stride_h": 1, "stride_w": 1}
    tensor = low.builder.operator(kind, inputs, Type.F32, attributes, name=node.name or "")
    claim(low, chain)
    low.put(chain.value, tensor)


def _dense_u8(low: Lowering, node: ir.Node, a: ir.Value, layer: IntegerLayer) -> None:
    weights = panels.gemm_u8(layer.weights.reshape(layer.weights.shape[0], 1, -1))
    table = panels.channels(layer.bias, layer.weight_sums, layer.multiplier)
    inputs = [low.get(a, quantized=True), low.place_constant(weights), low.place_constant(table)]
    attributes: dict[str, int | float] = {"out_channels": layer.weights.shape[0], **layer.clamp}
    scale, zero_point = (float(layer.target.scale), layer.target.zero_point) if layer.target else (0.0, 0)
    tensor = low.builder.operator(
        "dense_u8",
        inputs,
        Type.U8 if layer.target else Type.F32,
        attributes,
        name=node.name or "",
        scale=scale,
        zero_point=zero_point,
    )
    claim(low, layer.chain)
    low.put(layer.chain.value, tensor)
