"""The operators of the core: one line of the table each.

A line gives the operator's code in the program (never reused), its name (`ops/NAME.c` holds `slim_op_NAME`), its
attributes in their order in the program, and the vector kernels that it calls. `manifest.py` turns the table into lists
of files, `format.py` into the C header.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


@dataclass(frozen=True)
class Attribute:
    """One 32-bit attribute: `code` is `i` (int32) or `f` (float)."""

    name: str
    code: str


@dataclass(frozen=True)
class Operator:
    """An operator of the core: `ops/NAME.c`. `kernels` are the stems of files in `kernels/`."""

    code: int
    name: str
    attributes: tuple[Attribute, ...] = ()
    kernels: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()  # stems of shared files in ops/ that it calls


def _attributes(text: str) -> tuple[Attribute, ...]:
    return tuple(Attribute(word.removeprefix("f:"), "f" if word.startswith("f:") else "i") for word in text.split())


_WINDOW = "kernel_h kernel_w stride_h stride_w dilation_h dilation_w pad_top pad_left pad_bottom pad_right"
_IMAGE_WINDOW = " ".join(f"image_{name}" for name in _WINDOW.split())
_BOTTLENECK = f"{_WINDOW} channels out_channels f:expand_lo f:expand_hi f:depthwise_lo f:depthwise_hi f:lo f:hi"

_TABLE = (
    # fp32, weights in panels
    Operator(1, "conv_f32", _attributes(f"{_WINDOW} groups out_channels f:lo f:hi"), ("gemm_f32",), ("window",)),
    Operator(2, "depthwise_f32", _attributes(f"{_WINDOW} f:lo f:hi"), ("depthwise_f32",), ("window",)),
    Operator(3, "dense_f32", _attributes("out_channels f:lo f:hi"), ("gemm_f32",)),
    Operator(
        5,
        "winograd_f32",
        _attributes(f"{_WINDOW} groups out_channels f:lo f:hi"),
        ("winograd_f32",),
        ("window", "winograd"),
    ),
    Operator(9, "strassen_f32", _attributes("stride_h stride_w out_channels f:lo f:hi"), ("gemm_f32", "strassen_f32")),
    # bf16 inputs and weights, fp32 sums; gemm_f32 where there is no instruction for it
    Operator(
        51, "conv_bf16", _attributes(f"{_WINDOW} out_channels f:lo f:hi"), ("gemm_f32", "gemm_bf16"), ("window", "bf16")
    ),
    Operator(52, "dense_bf16", _attributes("out_channels f:lo f:hi"), ("gemm_f32", "gemm_bf16"), ("bf16",)),
    Operator(
        6,
        "conv_image_f32",
        _attributes(f"{_WINDOW} out_channels f:lo f:hi"),
        ("columns_f32",),
        ("window", "image_rows"),
    ),
    Operator(22, "conv_narrow_f32", _attributes(f"{_WINDOW} out_channels f:lo f:hi"), ("columns_f32",), ("window",)),
    Operator(
        8, "winograd_image_f32", _attributes(f"{_WINDOW} out_channels f:lo f:hi"), ("winograd_image_f32",), ("window",)
    ),
    Operator(
        19,
        "winograd_stride2_f32",
        _attributes(f"{_WINDOW} groups out_channels f:lo f:hi"),
        ("winograd_stride2_f32",),
        ("window", "winograd"),
    ),
    Operator(7, "bottleneck_f32", _attributes(_BOTTLENECK), ("gemm_f32", "depthwise_f32"), ("window", "bottleneck")),
    Operator(
        23,
        "stem_f32",
        _attributes(f"{_BOTTLENECK} {_IMAGE_WINDOW}"),
        ("gemm_f32", "depthwise_f32", "columns_f32"),
        ("window", "bottleneck", "image_rows"),
    ),
    Operator(
        4,
        "matmul_f32",
        _attributes("a0 a1 a2 a3 a4 a5 b0 b1 b2 b3 b4 b5 y0 y1 y2 y3 y4 y5 f:scale"),
        ("gemm_f32",),
    ),
    # windows and rows
    Operator(10, "max_pool", _attributes(_WINDOW), ("pool_f32", "max_u8"), ("window", "pool_f32")),
    Operator(
        11,
        "average_pool_f32",
        _attributes(f"{_WINDOW} count_include_pad extra_bottom extra_right"),
        ("pool_f32",),
        ("window", "pool_f32"),
    ),
    Operator(12, "reduce_f32", _attributes("mode axes keep_dims"), ()),
    Operator(13, "softmax_f32", _attributes("axis log"), ("softmax_f32",)),
    Operator(14, "layer_norm_f32", _attributes("axis f:epsilon"), ("layer_norm_f32",)),
    Operator(15, "lrn_f32", _attributes("size f:alpha f:beta f:bias"), ()),
    Operator(16, "resize_f32", _attributes("mode coordinates nearest out_h out_w f:scale_h f:scale_w"), ()),
    Operator(
        17, "conv_transpose_f32", _attributes(f"{_WINDOW} groups out_channels output_pad_h output_pad_w"), ("gemm_f32",)
    ),
    Operator(18, "lstm_f32", _attributes("hidden direction"), ("gemm_f32",)),
    # fp32, element by element
    Operator(20, "binary_f32", _attributes("mode f:lo f:hi"), ("elementwise_f32",), ("broadcast",)),
    Operator(21, "unary_f32", _attributes("mode f:alpha f:beta"), ("elementwise_f32", "unary_f32")),
    # any type: bytes are moved
    Operator(30, "reshape", _attributes("rank d0 d1 d2 d3 d4 d5")),
    Operator(31, "transpose", _attributes("p0 p1 p2 p3 p4 p5")),
    Operator(32, "concat", _attributes("axis")),
    Operator(33, "slice", _attributes("axis start end step")),
    Operator(34, "pad", _attributes("b0 b1 b2 b3 b4 b5 e0 e1 e2 e3 e4 e5 mode value")),
    Operator(35, "gather", _attributes("axis")),
    Operator(36, "expand", _attributes("rank d0 d1 d2 d3 d4 d5")),
    Operator(37, "cast"),
    Operator(38, "compare", _attributes("mode"), (), ("broadcast",)),
    Operator(39, "select"),
    # integers
    Operator(40, "quantize", (), ("quantize_u8",), ("quantizer",)),
    Operator(41, "dequantize"),
    Operator(42, "requantize", (), ("lookup_u8",)),
    Operator(
        43,
        "conv_u8",
        _attributes(f"{_WINDOW} groups out_channels lo hi f:flo f:fhi"),
        ("gemm_u8", "slide_u8", "winograd_u8"),
        ("window",),
    ),
    Operator(44, "depthwise_u8", _attributes(f"{_WINDOW} lo hi"), ("depthwise_u8",), ("window",)),
    Operator(45, "dense_u8", _attributes("out_channels lo hi f:flo f:fhi"), ("gemm_u8",)),
    Operator(46, "add_u8", _attributes("multiplier_a multiplier_b f:scale lo hi"), ("pair_u8",), ("broadcast",)),
    Operator(47, "mul_u8", _attributes("f:scale lo hi"), ("pair_u8",), ("broadcast",)),
    Operator(48, "lookup_u8", (), ("lookup_u8",)),
    Operator(
        53,
        "conv_image_u8",
        _attributes(f"{_WINDOW} out_channels lo hi f:flo f:fhi f:image_scale image_zero_point"),
        ("gemm_u8", "quantize_u8"),
        ("window", "quantizer"),
    ),
    Operator(
        49,
        "average_pool_u8",
        _attributes(f"{_WINDOW} count_include_pad extra_bottom extra_right f:scale lo hi"),
        ("mean_u8",),
        ("window",),
    ),
)

OPERATORS: dict[str, Operator] = {operator.name: operator for operator in _TABLE}


class Binary(IntEnum):
    """`mode` of binary_f32."""

    ADD = 0
    SUB = 1
    MUL = 2
    DIV = 3
    MAX = 4
    MIN = 5
    POW = 6
    PRELU = 7  # a where a >= 0, else a * b


class Unary(IntEnum):
    """`mode` of unary_f32; alpha and beta as in ONNX's operator of that name."""

    CLIP = 0  # alpha = lowest, beta = highest
    SIGMOID = 1
    TANH = 2
    HARD_SIGMOID = 3
    HARD_SWISH = 4
    EXP = 5
    LOG = 6
    SQRT = 7
    NEG = 8
    ABS = 9
    ERF = 10
    GELU = 11
    GELU_TANH = 12
    LEAKY_RELU = 13
    ELU = 14
    SOFTPLUS = 15
    RECIPROCAL = 16
    FLOOR = 17
    CEIL = 18
    ROUND = 19
    SOFTSIGN = 20
    SIN = 21
    COS = 22
    SWISH = 23  # x * sigmoid(alpha * x)


class Compare(IntEnum):
    """`mode` of compare."""

    EQUAL = 0
    LESS = 1
    LESS_OR_EQUAL = 2
    GREATER = 3
    GREATER_OR_EQUAL = 4
    AND = 5
    OR = 6


class Reduce(IntEnum):
    """`mode` of reduce_f32; `axes` is a mask, bit i for axis i."""

    MEAN = 0
    SUM = 1
    MAX = 2
    MIN = 3
    PROD = 4
    L2 = 5
    SUM_SQUARE = 6
