"""Every MXNet operator that slim knows, and its translation. Names that differ only by version share one."""

from __future__ import annotations

from collections.abc import Callable

import onnx_ir as ir

from slim.load.mxnet.node import NodeView
from slim.load.mxnet.ops import activation, convolution, dense, elementwise, normalization, pooling, reduction, shape

Translation = Callable[[NodeView], list[ir.Value]]

_BINARY: dict[str, tuple[str, ...]] = {
    "Add": ("elemwise_add", "_add", "_plus", "_Plus", "broadcast_add", "broadcast_plus", "_grad_add"),
    "Sub": ("elemwise_sub", "_sub", "_minus", "_Minus", "broadcast_sub", "broadcast_minus"),
    "Mul": ("elemwise_mul", "_mul", "_Mul", "broadcast_mul"),
    "Div": ("elemwise_div", "_div", "_Div", "broadcast_div"),
    "Max": ("_maximum", "_Maximum", "broadcast_maximum"),
    "Min": ("_minimum", "_Minimum", "broadcast_minimum"),
    "Pow": ("_power", "_Power", "broadcast_power"),
}
_SCALAR: dict[str, tuple[str, ...]] = {
    "Add": ("_plus_scalar", "_PlusScalar"),
    "Sub": ("_minus_scalar", "_MinusScalar"),
    "Mul": ("_mul_scalar", "_MulScalar"),
    "Div": ("_div_scalar", "_DivScalar"),
    "Max": ("_maximum_scalar", "_MaximumScalar"),
    "Min": ("_minimum_scalar", "_MinimumScalar"),
    "Pow": ("_power_scalar", "_PowerScalar"),
}
_SCALAR_FIRST: dict[str, tuple[str, ...]] = {
    "Sub": ("_rminus_scalar", "_RMinusScalar"),
    "Div": ("_rdiv_scalar", "_RDivScalar"),
    "Pow": ("_rpower_scalar", "_RPowerScalar"),
}
_UNARY: dict[str, str] = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softsign": "Softsign",
    "LogisticRegressionOutput": "Sigmoid",
    "exp": "Exp",
    "log": "Log",
    "sqrt": "Sqrt",
    "abs": "Abs",
    "negative": "Neg",
    "reciprocal": "Reciprocal",
    "floor": "Floor",
    "ceil": "Ceil",
    "erf": "Erf",
}
_IDENTITY = (
    "Dropout",
    "identity",
    "_copy",
    "BlockGrad",
    "stop_gradient",
    "MakeLoss",
    "make_loss",
    "LinearRegressionOutput",
    "MAERegressionOutput",
    "SVMOutput",
    "IdentityAttachKLSparseReg",
)
_REDUCE = {"mean": "ReduceMean", "sum": "ReduceSum", "sum_axis": "ReduceSum", "prod": "ReduceProd"}
_REDUCE |= {"max": "ReduceMax", "max_axis": "ReduceMax", "min": "ReduceMin", "min_axis": "ReduceMin"}

TRANSLATIONS: dict[str, Translation] = {
    "Convolution": convolution.convolution,
    "Convolution_v1": convolution.convolution,
    "Deconvolution": convolution.deconvolution,
    "FullyConnected": dense.fully_connected,
    "dot": dense.dot,
    "batch_dot": dense.dot,
    "Embedding": dense.embedding,
    "BatchNorm": normalization.batch_norm,
    "BatchNorm_v1": normalization.batch_norm,
    "CuDNNBatchNorm": normalization.batch_norm,
    "InstanceNorm": normalization.instance_norm,
    "LayerNorm": normalization.layer_norm,
    "L2Normalization": normalization.l2_normalization,
    "LRN": normalization.lrn,
    "Pooling": pooling.pooling,
    "Pooling_v1": pooling.pooling,
    "Activation": activation.activation,
    "LeakyReLU": activation.leaky_relu,
    "hard_sigmoid": activation.hard_sigmoid,
    "square": activation.square,
    "rsqrt": activation.rsqrt,
    "clip": activation.clip,
    "softmax": activation.softmax,
    "log_softmax": activation.softmax,
    "softmin": activation.softmax,
    "SoftmaxOutput": activation.softmax_output,
    "Softmax": activation.softmax_output,
    "SoftmaxActivation": activation.softmax_activation,
    "add_n": elementwise.add_n,
    "ElementWiseSum": elementwise.add_n,
    "_sum": elementwise.add_n,
    "Reshape": shape.reshape,
    "reshape": shape.reshape,
    "Flatten": shape.flatten,
    "flatten": shape.flatten,
    "transpose": shape.transpose,
    "SwapAxis": shape.swap_axes,
    "swapaxes": shape.swap_axes,
    "expand_dims": shape.expand_dims,
    "squeeze": shape.squeeze,
    "Concat": shape.concat,
    "concat": shape.concat,
    "SliceChannel": shape.slice_channel,
    "split": shape.slice_channel,
    "slice_axis": shape.slice_axis,
    "slice": shape.slice_all,
    "Pad": shape.pad,
    "pad": shape.pad,
    "UpSampling": shape.up_sampling,
    "Cast": shape.cast,
    "cast": shape.cast,
    "argmax": reduction.arg_reduce("ArgMax"),
    "argmin": reduction.arg_reduce("ArgMin"),
    **{name: reduction.reduce(op_type) for name, op_type in _REDUCE.items()},
    **{name: activation.unary(op_type) for name, op_type in _UNARY.items()},
    **dict.fromkeys(_IDENTITY, activation.identity),
    **{name: elementwise.binary(op_type) for op_type, names in _BINARY.items() for name in names},
    **{name: elementwise.with_scalar(op_type) for op_type, names in _SCALAR.items() for name in names},
    **{name: elementwise.with_scalar(op_type, True) for op_type, names in _SCALAR_FIRST.items() for name in names},
}
