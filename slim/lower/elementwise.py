"""Operators on each element: sums and products with broadcasting, activations. Integers where a quantizer follows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from slim.core.format import Type
from slim.core.operators import Binary, Unary
from slim.lower.activations import FLOAT_MAX, Target, claim, follow, target
from slim.lower.context import Lowering, Order, plain_order
from slim.lower.rules import refuse, rule

_BINARY = {
    "Add": Binary.ADD,
    "Sub": Binary.SUB,
    "Mul": Binary.MUL,
    "Div": Binary.DIV,
    "Max": Binary.MAX,
    "Min": Binary.MIN,
    "Pow": Binary.POW,
    "PRelu": Binary.PRELU,
}
_UNARY: dict[str, tuple[Unary, tuple[tuple[str, float], ...]]] = {
    "Sigmoid": (Unary.SIGMOID, ()),
    "Tanh": (Unary.TANH, ()),
    "HardSigmoid": (Unary.HARD_SIGMOID, (("alpha", 0.2), ("beta", 0.5))),
    "HardSwish": (Unary.HARD_SWISH, ()),
    "Exp": (Unary.EXP, ()),
    "Log": (Unary.LOG, ()),
    "Sqrt": (Unary.SQRT, ()),
    "Neg": (Unary.NEG, ()),
    "Abs": (Unary.ABS, ()),
    "Erf": (Unary.ERF, ()),
    "LeakyRelu": (Unary.LEAKY_RELU, (("alpha", 0.01),)),
    "Elu": (Unary.ELU, (("alpha", 1.0),)),
    "Softplus": (Unary.SOFTPLUS, ()),
    "Reciprocal": (Unary.RECIPROCAL, ()),
    "Floor": (Unary.FLOOR, ()),
    "Ceil": (Unary.CEIL, ()),
    "Round": (Unary.ROUND, ()),
    "Softsign": (Unary.SOFTSIGN, ()),
    "Sin": (Unary.SIN, ()),
    "Cos": (Unary.COS, ()),
    "Swish": (Unary.SWISH, (("alpha", 1.0),)),
}


@rule(*_BINARY)
def lower_binary(low: Lowering, node: ir.Node) -> None:
    """a op b with numpy's broadcasting, then the clamp that follows. Max and Min take any number of inputs."""
    values = [v for v in node.inputs if v is not None]
    y = node.outputs[0]
    if node.op_type in ("Add", "Mul") and all(low.is_quantized(v) for v in values):
        found = target(low, y)
        if found is not None and _integer_binary(low, node, values, found):
            return
    chain = follow(low, y)
    order = common_order(low, values, len(low.shape(y)))
    tensors = [aligned(low, v, order) for v in values]
    if any(low.builder.type_of(t) is not Type.F32 for t in tensors):
        raise refuse(node, "computes with integers", "cast its inputs to float")
    tensor = tensors[0]
    for i, other in enumerate(tensors[1:], 2):
        final = i == len(tensors)
        attributes: dict[str, int | float] = {
            "mode": _BINARY[node.op_type],
            "lo": max(chain.lo, -FLOAT_MAX) if final and chain.clamped else -math.inf,
            "hi": min(chain.hi, FLOAT_MAX) if final and chain.clamped else math.inf,
        }
        tensor = low.builder.operator("binary_f32", [tensor, other], Type.F32, attributes, name=node.name or "")
    claim(low, chain)
    low.put(chain.value, tensor, order)


@rule("Sum")
def lower_sum(low: Lowering, node: ir.Node) -> None:
    """A sum of any number of inputs."""
    values = [v for v in node.inputs if v is not None]
    order = common_order(low, values, len(low.shape(node.outputs[0])))
    tensor = aligned(low, values[0], order)
    for value in values[1:]:
        attributes: dict[str, int | float] = {"mode": Binary.ADD, "lo": -math.inf, "hi": math.inf}
        tensor = low.builder.operator(
            "binary_f32", [tensor, aligned(low, value, order)], Type.F32, attributes, name=node.name or ""
        )
    low.put(node.outputs[0], tensor, order)


def common_order(low: Lowering, values: list[ir.Value], rank: int) -> Order:
    """The order in which values of this rank are stored already, where one of them is not plain."""
    for value in values:
        if low.constant(value) is None and len(low.shape(value)) == rank and low.order_of(value) != plain_order(rank):
            return low.order_of(value)
    return plain_order(rank)


def aligned(low: Lowering, value: ir.Value, order: Order, quantized: bool = False) -> int:
    """The value in this order, with axes of size 1 in front where it has fewer than the order."""
    rank = len(order)
    shape = low.shape(value)
    if len(shape) == rank or order == plain_order(rank):
        return low.get(value, order if len(shape) == rank else None, quantized)
    full = (1,) * (rank - len(shape)) + shape
    array = low.constant(value)
    if array is not None and not quantized:
        return low.place_constant(np.ascontiguousarray(array.reshape(full).transpose(order)), value.name or "")
    tensor = low.reshape(low.get(value, None, quantized), list(full))
    attributes = {f"p{i}": order[i] if i < rank else i for i in range(6)}
    return low.like("transpose", tensor, attributes, "")


def _integer_binary(low: Lowering, node: ir.Node, values: list[ir.Value], found: Target) -> bool:
    order = common_order(low, values, len(low.shape(node.outputs[0])))
    tensors = [aligned(low, v, order, True) for v in values]
    scales = [np.float32(low.builder.quantization_of(t)[0]) for t in tensors]
    attributes: dict[str, int | float] = {"lo": found.lo, "hi": found.hi}
    if node.op_type == "Add":
        kind = "add_u8"
        multipliers = fixed_point(float(scales[0]) / float(found.scale), float(scales[1]) / float(found.scale))
        if multipliers is None:
            return False
        attributes |= {"multiplier_a": multipliers[0], "multiplier_b": multipliers[1], "scale": multipliers[2]}
    else:
        kind = "mul_u8"
        attributes |= {"scale": float(scales[0] * scales[1] / found.scale)}
    tensor = low.builder.operator(
        kind, tensors, Type.U8, attributes, name=node.name or "", scale=float(found.scale), zero_point=found.zero_point
    )
    claim(low, found.chain)
    low.put(found.chain.value, tensor, order)
    return True


def fixed_point(a: float, b: float) -> tuple[int, int, float] | None:
    """a and b as integers times a power of two: the sum of two 9-bit products with them fits 32 bits.

    The larger gets 22 bits, so that 255 * (|ma| + |mb|) < 2^31; the power is exact in float32.
    """
    largest = max(a, b)
    if not 0 < largest < 2.0**60:
        return None
    shift = 21 - math.frexp(largest)[1]
    if shift > 120:
        return None
    return round(math.ldexp(a, shift)), round(math.ldexp(b, shift)), math.ldexp(1.0, -shift)


def _unary_of(low: Lowering, node: ir.Node) -> tuple[Unary, float, float] | None:
    """Mode, alpha and beta of a node that maps each element on its own."""
    clamp = low.clamp_of(node)
    if clamp is not None:
        return Unary.CLIP, clamp[0], clamp[1]
    if node.op_type == "Gelu":
        tanh = node.attributes.get_string("approximate", "none") == "tanh"
        return (Unary.GELU_TANH if tanh else Unary.GELU), 0.0, 0.0
    if node.op_type not in _UNARY:
        return None
    mode, parameters = _UNARY[node.op_type]
    given = [float(node.attributes.get_float(name, default) or 0.0) for name, default in parameters] + [0.0, 0.0]
    return mode, given[0], given[1]


@rule("Relu", "Clip", "Gelu", *_UNARY)
def lower_unary(low: Lowering, node: ir.Node) -> None:
    """One element at a time; on integers a table of 256 where a quantizer follows."""
    x, y = node.inputs[0], node.outputs[0]
    assert x is not None
    found = _unary_of(low, node)
    if found is None:
        raise refuse(node, "has bounds that are computed at run time")
    mode, alpha, beta = found
    if low.is_quantized(x) and (after := target(low, y)) is not None:
        tensor, order = low.native(x, True)
        table = low.place_constant(lookup_table(low, tensor, mode, alpha, beta, after))
        out = low.builder.operator(
            "lookup_u8",
            [tensor, table],
            Type.U8,
            name=node.name or "",
            scale=float(after.scale),
            zero_point=after.zero_point,
        )
        claim(low, after.chain)
        low.put(after.chain.value, out, order)
        return
    tensor, order = low.native(x)
    if low.builder.type_of(tensor) is not Type.F32:
        raise refuse(node, "computes with integers", "cast its input to float")
    attributes: dict[str, int | float] = {"mode": mode, "alpha": alpha, "beta": beta}
    if mode is Unary.CLIP:
        attributes |= {"alpha": max(alpha, -FLOAT_MAX), "beta": min(beta, FLOAT_MAX)}
    low.put(y, low.builder.operator("unary_f32", [tensor], Type.F32, attributes, name=node.name or ""), order)


def lookup_table(low: Lowering, tensor: int, mode: Unary, alpha: float, beta: float, after: Target) -> np.ndarray:
    """uint8 (256,): the stored output for each stored input."""
    scale, zero_point = low.builder.quantization_of(tensor)
    real = (np.arange(256, dtype=np.float64) - zero_point) * np.float64(scale)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        stored = np.rint(apply_unary(mode, real, alpha, beta) / np.float64(after.scale)) + after.zero_point
    finite = np.nan_to_num(stored, nan=after.zero_point, posinf=255, neginf=0)
    return np.asarray(np.clip(finite, after.lo, after.hi), np.uint8)


def apply_unary(mode: Unary, x: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    """The function of a mode in float64, elementwise (ONNX operator definitions)."""
    erf = np.vectorize(math.erf, otypes=[np.float64])
    sigmoid = 0.5 * (np.tanh(0.5 * x) + 1.0)
    functions: dict[Unary, Callable[[], np.ndarray]] = {
        Unary.CLIP: lambda: np.clip(x, alpha, beta),
        Unary.SIGMOID: lambda: sigmoid,
        Unary.TANH: lambda: np.tanh(x),
        Unary.HARD_SIGMOID: lambda: np.clip(alpha * x + beta, 0.0, 1.0),
        Unary.HARD_SWISH: lambda: x * np.clip(x / 6.0 + 0.5, 0.0, 1.0),
        Unary.EXP: lambda: np.exp(x),
        Unary.LOG: lambda: np.log(x),
        Unary.SQRT: lambda: np.sqrt(x),
        Unary.NEG: lambda: -x,
        Unary.ABS: lambda: np.abs(x),
        Unary.ERF: lambda: erf(x),
        Unary.GELU: lambda: 0.5 * x * (1.0 + erf(x / math.sqrt(2.0))),
        Unary.GELU_TANH: lambda: 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3))),
        Unary.LEAKY_RELU: lambda: np.where(x >= 0, x, alpha * x),
        Unary.ELU: lambda: np.where(x >= 0, x, alpha * np.expm1(x)),
        Unary.SOFTPLUS: lambda: np.logaddexp(x, 0.0),
        Unary.RECIPROCAL: lambda: 1.0 / x,
        Unary.FLOOR: lambda: np.floor(x),
        Unary.CEIL: lambda: np.ceil(x),
        Unary.ROUND: lambda: np.rint(x),
        Unary.SOFTSIGN: lambda: x / (1.0 + np.abs(x)),
        Unary.SIN: lambda: np.sin(x),
        Unary.COS: lambda: np.cos(x),
        Unary.SWISH: lambda: x * 0.5 * (np.tanh(0.5 * alpha * x) + 1.0),
    }
    return np.asarray(functions[mode](), np.float64)
