"""How many operations one node costs: a rule for each family of ONNX operators.

Conventions (docs/adding-a-device.md repeats them for users):

1. A MAC is one multiply and one add. Only sums of products count as MACs: convolution, matrix product, recurrence.
2. Everything else counts one operation for each element and function: an add, a maximum, an exp are 1 each.
3. Moves (reshape, transpose, concat, slice, gather, cast) and quantizers cost bytes, not operations.
4. Bias is where the accumulator starts, so it is free. Padding counts as if it were read.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import onnx_ir as ir

from slim.estimate.tensors import elements, shape_of


class Kind(StrEnum):
    """Classes of operators that reach different shares of a processor's peak."""

    CONV = "conv"  # windows larger than 1x1
    POINTWISE = "pointwise"  # 1x1 convolution
    DEPTHWISE = "depthwise"  # one input channel for each group
    DENSE = "dense"  # matrix products, recurrences
    POOL = "pool"
    ELEMENTWISE = "elementwise"
    MOVE = "move"


@dataclass(frozen=True)
class Count:
    """Cost of one node. `winograd`: a 3x3 stride 1 convolution, which transforms can do with fewer multiplications."""

    kind: Kind
    macs: int = 0
    element_ops: int = 0
    winograd: bool = False


PER_ELEMENT = {
    "Softmax": 5, "LogSoftmax": 5, "Hardmax": 1, "HardSwish": 4, "HardSigmoid": 3, "Sigmoid": 3, "Swish": 4, "Mish": 4,
    "Gelu": 4, "Softplus": 3, "Clip": 2, "LeakyRelu": 2, "PRelu": 2, "Elu": 3, "Selu": 3, "Celu": 3, "Softsign": 2,
    "BatchNormalization": 2, "InstanceNormalization": 7, "LayerNormalization": 7, "GroupNormalization": 7,
    "LpNormalization": 3, "RMSNormalization": 4, "MeanVarianceNormalization": 5,
}  # fmt: skip
"""Operations for each element of the input where it is not 1 (a function such as exp is 1)."""

MOVES = {
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Concat", "Slice", "Split", "Gather",
    "GatherElements", "GatherND", "ScatterElements", "ScatterND", "Pad", "Tile", "Expand", "Identity", "Cast",
    "CastLike", "Shape", "Size", "Constant", "ConstantOfShape", "DepthToSpace", "SpaceToDepth",
    "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Dropout", "Range", "OneHot", "NonZero",
    "EyeLike", "Compress", "ReverseSequence", "Trilu",
}  # fmt: skip


def count(node: ir.Node) -> Count:
    """The cost of one node with static shapes.

    Raises UnsupportedError where a shape that the rule needs is not known."""
    rule = RULES.get(node.op_type)
    if rule is not None:
        return rule(node)
    if node.op_type in MOVES:
        return Count(Kind.MOVE)
    if node.op_type.startswith("Reduce") or node.op_type in ("ArgMax", "ArgMin", "TopK", "CumSum", "NonMaxSuppression"):
        return Count(Kind.POOL, element_ops=_elements_in(node))
    if node.op_type in PER_ELEMENT:
        return Count(Kind.ELEMENTWISE, element_ops=PER_ELEMENT[node.op_type] * _elements_in(node))
    if node.op_type in ("Sum", "Mean", "Max", "Min"):
        return Count(Kind.ELEMENTWISE, element_ops=max(1, len(node.inputs) - 1) * elements(node.outputs[0]))
    return Count(Kind.ELEMENTWISE, element_ops=elements(node.outputs[0]) if node.outputs else 0)


def _elements_in(node: ir.Node) -> int:
    return elements(_input(node, 0))


def _input(node: ir.Node, index: int) -> ir.Value:
    value = node.inputs[index]
    assert value is not None, f"{node.op_type} without input {index}"
    return value


def _conv(node: ir.Node, data: int = 0, weight: int = 1) -> Count:
    """macs = N*O*out_spatial * (C/groups) * window; w is (O, C/groups, window...)."""
    kernel = shape_of(_input(node, weight))
    channels = shape_of(_input(node, data))[1]
    window = math.prod(kernel[2:])
    groups = node.attributes.get_int("group", 1)
    macs = elements(node.outputs[0]) * kernel[1] * window
    if groups > 1 and groups == channels:
        return Count(Kind.DEPTHWISE, macs)
    if window == 1:
        return Count(Kind.POINTWISE, macs)
    ones = all(s == 1 for s in (*node.attributes.get_ints("strides", ()), *node.attributes.get_ints("dilations", ())))
    return Count(Kind.CONV, macs, winograd=kernel[2:] == (3, 3) and ones and groups == 1 and min(kernel[:2]) >= 16)


def _conv_transpose(node: ir.Node) -> Count:
    """Every input element meets every weight of its group: w is (C, O/groups, window...)."""
    kernel = shape_of(_input(node, 1))
    groups = node.attributes.get_int("group", 1)
    depthwise = groups > 1 and groups == kernel[0]
    return Count(Kind.DEPTHWISE if depthwise else Kind.CONV, _elements_in(node) * math.prod(kernel[1:]))


def _matmul(node: ir.Node, left: int = 0) -> Count:
    return Count(Kind.DENSE, elements(node.outputs[0]) * shape_of(_input(node, left))[-1])


def _gemm(node: ir.Node, left: int = 0) -> Count:
    a = shape_of(_input(node, left))
    return Count(Kind.DENSE, elements(node.outputs[0]) * (a[0] if node.attributes.get_int("transA", 0) else a[1]))


def _einsum(node: ir.Node) -> Count:
    """One MAC for each combination of index values; an equation with `...` counts the longest operand's dimensions."""
    equation = node.attributes.get_string("equation", "").replace(" ", "")
    terms = equation.split("->")[0].split(",")
    sizes: dict[str, int] = {}
    for term, value in zip(terms, node.inputs, strict=True):
        assert value is not None
        shape = shape_of(value)
        letters = term.replace("...", "")
        split = term.index("...") if "..." in term else len(term)
        free = len(shape) - len(letters)
        names = [*term[:split], *(f"...{free - i}" for i in range(free)), *letters[split:]]
        for name, size in zip(names, shape, strict=True):
            sizes[name] = max(sizes.get(name, 1), size)
    return Count(Kind.DENSE, math.prod(sizes.values()))


def _recurrent(gates: int) -> Callable[[ir.Node], Count]:
    """ONNX LSTM, GRU, RNN: x (T, N, I) or (N, T, I), w (directions, gates*H, I); for each step gates*H*(I+H) MACs."""

    def rule(node: ir.Node) -> Count:
        x, w = shape_of(_input(node, 0)), shape_of(_input(node, 1))
        rows = w[1]
        hidden = rows // gates
        steps = x[0] * x[1] * w[0]
        activations = 3 * rows + (3 * hidden if gates == 4 else 2 * hidden)
        return Count(Kind.DENSE, steps * rows * (x[2] + hidden), steps * activations)

    return rule


def _pool(node: ir.Node) -> Count:
    window = math.prod(node.attributes.get_ints("kernel_shape", (1,)))
    return Count(Kind.POOL, element_ops=elements(node.outputs[0]) * window)


def _global_pool(node: ir.Node) -> Count:
    return Count(Kind.POOL, element_ops=_elements_in(node))


def _lrn(node: ir.Node) -> Count:
    return Count(Kind.ELEMENTWISE, element_ops=_elements_in(node) * (node.attributes.get_int("size", 1) + 4))


def _resize(node: ir.Node) -> Count:
    """Nearest moves bytes; linear mixes two neighbours along each resized axis; cubic four."""
    taps = {"nearest": 0, "linear": 2, "cubic": 4}.get(node.attributes.get_string("mode", "nearest"), 2)
    before, after = shape_of(_input(node, 0)), shape_of(node.outputs[0])
    axes = sum(b != a for b, a in zip(before, after, strict=True))
    return Count(Kind.ELEMENTWISE if taps else Kind.MOVE, element_ops=elements(node.outputs[0]) * taps * axes)


RULES: dict[str, Callable[[ir.Node], Count]] = {
    "Conv": _conv,
    "ConvInteger": _conv,
    "QLinearConv": lambda node: _conv(node, 0, 3),
    "ConvTranspose": _conv_transpose,
    "MatMul": _matmul,
    "MatMulInteger": _matmul,
    "QLinearMatMul": _matmul,
    "Gemm": _gemm,
    "QGemm": _gemm,
    "Einsum": _einsum,
    "LSTM": _recurrent(4),
    "GRU": _recurrent(3),
    "RNN": _recurrent(1),
    "MaxPool": _pool,
    "AveragePool": _pool,
    "LpPool": _pool,
    "GlobalAveragePool": _global_pool,
    "GlobalMaxPool": _global_pool,
    "GlobalLpPool": _global_pool,
    "QLinearAveragePool": _pool,
    "QLinearGlobalAveragePool": _global_pool,
    "LRN": _lrn,
    "Resize": _resize,
    "Upsample": _resize,
}
