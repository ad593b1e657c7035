"""Shapes of `com.microsoft` operators: for inference alone, each is described by a standard operator of equal shape.

onnx's shape inference knows only the standard domain. `QLinearAdd` has the output shape and element type of `Add` on
its two quantized operands, and so on; the model keeps its own operators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import onnx
from onnx import helper


@dataclass(frozen=True)
class StandIn:
    """A standard operator with the inputs at `operands`, and only the attributes in `keep` plus `extra`."""

    op_type: str
    operands: Sequence[int] = (0,)
    keep: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


_WINDOW = ("auto_pad", "ceil_mode", "kernel_shape", "pads", "strides", "dilations")
_CONV = ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")

STAND_INS: dict[str, StandIn] = {
    "QLinearAdd": StandIn("Add", (0, 3)),
    "QLinearMul": StandIn("Mul", (0, 3)),
    "QLinearSigmoid": StandIn("Identity"),
    "QLinearLeakyRelu": StandIn("Identity"),
    "QLinearSoftmax": StandIn("Identity"),
    "QLinearAveragePool": StandIn("MaxPool", keep=_WINDOW),
    "QLinearGlobalAveragePool": StandIn("MaxPool"),
    "QLinearConcat": StandIn("Concat", range(2, 3_000, 3), ("axis",)),
    "FusedConv": StandIn("Conv", (0, 1), _CONV),
    "FusedGemm": StandIn("Gemm", (0, 1), ("transA", "transB")),
    "Gelu": StandIn("Identity"),
    "FastGelu": StandIn("Identity"),
    "QuickGelu": StandIn("Identity"),
    "BiasGelu": StandIn("Identity"),
}
"""Operators of onnxruntime's contributed domain that slim can describe (onnxruntime, docs/ContribOperators.md)."""


def stand_in(node: onnx.NodeProto, ranks: dict[str, tuple[int, ...]]) -> onnx.NodeProto | None:
    """The standard node whose outputs have the shapes of `node`'s, or None when slim does not know the operator.

    `ranks` holds the static shapes known so far, by value name; global pooling needs its input's."""
    rule = STAND_INS.get(node.op_type)
    if rule is None or node.domain != "com.microsoft":
        return None
    inputs = [node.input[index] for index in rule.operands if index < len(node.input) and node.input[index]]
    attributes = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    kept: dict[str, Any] = {name: attributes[name] for name in rule.keep if name in attributes} | rule.extra
    channels_last = bool(attributes.get("channels_last", 0))
    if node.op_type in ("QLinearAveragePool", "QLinearGlobalAveragePool") and channels_last:
        return None
    if node.op_type == "QLinearGlobalAveragePool":
        shape = ranks.get(node.input[0])
        if shape is None:
            return None
        kept["kernel_shape"] = list(shape[2:])
    return helper.make_node(rule.op_type, inputs, list(node.output[:1]), node.name, **kept)
