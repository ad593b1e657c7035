"""Other tools' quantized operators (QLinearConv and its kin) rewritten as the same computation in QDQ form.

Comes after `slim.load`, before the graph passes; everything later knows only QuantizeLinear/DequantizeLinear around
float operators. `QLinearX(x, ...)` becomes `Quantize(X(Dequantize(x), ...))`. Operators that move bytes (MaxPool,
Reshape, ...) between two of them become float operators between a pair with the bytes' own scale.

Operators: the ONNX standard's QLinearConv and QLinearMatMul, and onnxruntime's `com.microsoft` operators
(ContribOperators.md): QLinearAdd, QLinearMul, QLinearAveragePool, QLinearGlobalAveragePool, QLinearConcat,
QLinearSigmoid, QLinearLeakyRelu, QLinearSoftmax, QGemm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx_ir as ir

from slim.errors import Problem, UnsupportedError
from slim.quantize.insert import constant
from slim.quantize.plan import MOVEMENT

MICROSOFT = "com.microsoft"
BYTES = {ir.DataType.UINT8, ir.DataType.INT8}
MOVES_BYTES = MOVEMENT | {"MaxPool"}
UNARY = {
    "QLinearSigmoid": "Sigmoid",
    "QLinearLeakyRelu": "LeakyRelu",
    "QLinearAveragePool": "AveragePool",
    "QLinearGlobalAveragePool": "GlobalAveragePool",
    "QLinearSoftmax": "Softmax",
}
BINARY = {"QLinearAdd": "Add", "QLinearMul": "Mul"}
NOT_OF_THE_FLOAT_OPERATOR = {"channels_last", "opset"}


@dataclass(frozen=True)
class Scaled:
    """Scale and zero point (values in the graph; no zero point means 0) that bytes are read with."""

    scale: ir.Value
    zero_point: ir.Value | None


@dataclass
class _Rewrite:
    """The state of one rewriting: what the bytes met so far mean, and the dequantized form of each."""

    graph: ir.Graph
    meaning: dict[ir.Value, Scaled] = field(default_factory=dict)
    floats: dict[tuple[ir.Value, ir.Value], ir.Value] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def read(self, before: ir.Node, value: ir.Value, scaled: Scaled, axis: int | None = None) -> ir.Value:
        """`value` dequantized just before `before`; the same value with the same scale is dequantized once."""
        key = (value, scaled.scale)
        if key in self.floats:
            return self.floats[key]
        inputs = [value, scaled.scale] + ([scaled.zero_point] if scaled.zero_point is not None else [])
        per_axis = scaled.scale.shape is not None and list(scaled.scale.shape) not in ([], [1])
        attributes = {"axis": axis} if per_axis and axis is not None else {}
        node = ir.node("DequantizeLinear", inputs, attributes, name=f"{value.name}.{scaled.scale.name}.dequantize")
        result = node.outputs[0]
        result.name, result.shape = f"{value.name}.{scaled.scale.name}.dq", value.shape
        result.type = ir.TensorType(ir.DataType.FLOAT)
        self.graph.insert_before(before, node)
        self.floats[key] = result
        return result

    def replace(
        self, node: ir.Node, kind: str, inputs: Sequence[ir.Value | None], outputs: Sequence[Scaled | None]
    ) -> None:
        """Put float operator `kind` in the place of `node`, each output quantized with its own scale (or float)."""
        attributes = [attr for name, attr in node.attributes.items() if name not in NOT_OF_THE_FLOAT_OPERATOR]
        floats = [
            ir.Value(name=f"{old.name}.float", shape=old.shape, type=ir.TensorType(ir.DataType.FLOAT))
            for old in node.outputs
        ]
        new = ir.Node("", kind, inputs, attributes, outputs=floats, name=node.name)
        self.graph.insert_before(node, new)
        for old, value, scaled in zip(node.outputs, floats, outputs, strict=True):
            result = value
            if scaled is not None:
                pair = [value, scaled.scale] + ([scaled.zero_point] if scaled.zero_point is not None else [])
                quantize = ir.node("QuantizeLinear", pair, name=f"{old.name}.quantize")
                self.graph.insert_before(node, quantize)
                result = quantize.outputs[0]
                result.shape, result.type = old.shape, old.type or ir.TensorType(ir.DataType.UINT8)
                self.meaning[result] = scaled
            old.replace_all_uses_with(result, replace_graph_outputs=True)
            old.name, result.name = f"{old.name}.old", old.name
        self.graph.remove(node, safe=True)


def is_quantized(model: ir.Model) -> bool:
    """Whether some operator of the model already computes on quantized numbers."""
    return any(
        node.op_type in ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
        or node.op_type.startswith(("QLinear", "QGemm"))
        or node.op_type.endswith("Integer")
        for node in model.graph.all_nodes()
    )


def to_qdq(model: ir.Model) -> ir.Model:
    """A copy of `model` without QLinear operators, in QDQ form. Models that have none come back as a plain copy.

    The model is at opset 21 (per-axis DequantizeLinear needs 13). Raises UnsupportedError with every operator of
    this kind that cannot be expressed.
    """
    model = model.clone()
    rewrite = _Rewrite(model.graph)
    for node in list(model.graph):
        rule = RULES.get((node.domain, node.op_type))
        if rule is not None:
            rule(rewrite, node)
        elif node.op_type == "QuantizeLinear" and node.inputs[1] is not None:
            zero_point = node.inputs[2] if len(node.inputs) > 2 else None
            rewrite.meaning[node.outputs[0]] = Scaled(node.inputs[1], zero_point)
        elif node.op_type in MOVES_BYTES and node.domain == "" and node.inputs[0] in rewrite.meaning:
            _moved(rewrite, node)
        elif node.op_type.startswith(("QLinear", "QGemm")):
            rewrite.problems.append(_problem(node, "has no QDQ form here"))
    if rewrite.problems:
        raise UnsupportedError(rewrite.problems)
    if not any(node.domain == MICROSOFT for node in model.graph):
        model.opset_imports.pop(MICROSOFT, None)
    return _with_shapes(model)


def _with_shapes(model: ir.Model) -> ir.Model:
    """The model with the shapes that no one could infer behind operators outside the ONNX standard."""
    unknown = [value for node in model.graph for value in node.outputs if value.shape is None]
    if not unknown:
        return model
    from onnx_ir.passes.common import ShapeInferencePass

    for value in unknown:
        value.type = None  # a type without a shape is not valid ONNX; both are inferred
    return ShapeInferencePass()(model).model


def _problem(node: ir.Node, what: str) -> Problem:
    return Problem(what, f"node '{node.name}' ({node.op_type})", "export the model in QDQ form")


def _given(node: ir.Node, index: int) -> ir.Value | None:
    return node.inputs[index] if len(node.inputs) > index else None


def _scaled(node: ir.Node, index: int) -> Scaled:
    """The scale at `index` and the zero point behind it."""
    scale = node.inputs[index]
    assert scale is not None  # a required input of every QLinear operator
    return Scaled(scale, _given(node, index + 1))


def _read(rewrite: _Rewrite, node: ir.Node, index: int, axis: int | None = None) -> ir.Value:
    """The dequantized form of the (value, scale, zero point) at `index`."""
    value = node.inputs[index]
    assert value is not None
    return rewrite.read(node, value, _scaled(node, index + 1), axis)


def _bias(rewrite: _Rewrite, node: ir.Node, bias: ir.Value, x_scale: ir.Value, w_scale: ir.Value) -> ir.Value | None:
    """An int32 bias dequantized with `x_scale * w_scale`, which must be known."""
    if x_scale.const_value is None or w_scale.const_value is None:
        rewrite.problems.append(_problem(node, "has a bias and scales that are computed"))
        return None
    scale = x_scale.const_value.numpy().astype(np.float32) * w_scale.const_value.numpy().astype(np.float32)
    if list(bias.shape or []) != list(scale.shape):
        scale = np.broadcast_to(
            scale.reshape(-1), (int(np.prod(bias.shape.numpy() if bias.shape is not None else ())),)
        )
    value = constant(rewrite.graph, f"{node.outputs[0].name}.bias_scale", np.asarray(scale, np.float32))
    return rewrite.read(node, bias, Scaled(value, None), axis=0)


def _conv(rewrite: _Rewrite, node: ir.Node) -> None:
    inputs: list[ir.Value | None] = [_read(rewrite, node, 0), _read(rewrite, node, 3, axis=0)]
    bias = _given(node, 8)
    if bias is not None:
        inputs.append(_bias(rewrite, node, bias, _scaled(node, 1).scale, _scaled(node, 4).scale))
    rewrite.replace(node, "Conv", inputs, [_scaled(node, 6)])


def _matmul(rewrite: _Rewrite, node: ir.Node) -> None:
    inputs = [_read(rewrite, node, 0), _read(rewrite, node, 3, axis=1)]
    rewrite.replace(node, "MatMul", inputs, [_scaled(node, 6)])


def _gemm(rewrite: _Rewrite, node: ir.Node) -> None:
    transposed = node.attributes.get_int("transB", 0)
    inputs: list[ir.Value | None] = [_read(rewrite, node, 0), _read(rewrite, node, 3, axis=0 if transposed else 1)]
    bias = _given(node, 6)
    if bias is not None:
        inputs.append(_bias(rewrite, node, bias, _scaled(node, 1).scale, _scaled(node, 4).scale))
    rewrite.replace(node, "Gemm", inputs, [_scaled(node, 7) if _given(node, 7) is not None else None])


def _binary(rewrite: _Rewrite, node: ir.Node) -> None:
    rewrite.replace(node, BINARY[node.op_type], [_read(rewrite, node, 0), _read(rewrite, node, 3)], [_scaled(node, 6)])


def _unary(rewrite: _Rewrite, node: ir.Node) -> None:
    if node.attributes.get_int("channels_last", 0):
        rewrite.problems.append(_problem(node, "has channels_last set"))
        return
    rewrite.replace(node, UNARY[node.op_type], [_read(rewrite, node, 0)], [_scaled(node, 3)])


def _concat(rewrite: _Rewrite, node: ir.Node) -> None:
    inputs = [_read(rewrite, node, index) for index in range(2, len(node.inputs), 3)]
    rewrite.replace(node, "Concat", inputs, [_scaled(node, 0)])


def _moved(rewrite: _Rewrite, node: ir.Node) -> None:
    value = node.inputs[0]
    if value is None or value.dtype not in BYTES or (node.op_type == "MaxPool" and len(node.outputs) > 1):
        return
    scaled = rewrite.meaning[value]
    inputs = [rewrite.read(node, value, scaled), *node.inputs[1:]]
    rewrite.replace(node, node.op_type, inputs, [scaled] * len(node.outputs))


Rule = Callable[[_Rewrite, ir.Node], None]
RULES: dict[tuple[str, str], Rule] = {
    ("", "QLinearConv"): _conv,
    ("", "QLinearMatMul"): _matmul,
    (MICROSOFT, "QLinearConcat"): _concat,
    (MICROSOFT, "QGemm"): _gemm,
    **{(MICROSOFT, name): _binary for name in BINARY},
    **{(MICROSOFT, name): _unary for name in UNARY},
}
