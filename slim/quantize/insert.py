"""Write the decisions into the graph: QuantizeLinear/DequantizeLinear pairs, int8 weights, int32 biases."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from slim.quantize.plan import HEAVY, Plan
from slim.quantize.ranges import QParams
from slim.quantize.weights import channel_scales, quantize_bias, quantize_rows, scales_for_bias

Array = npt.NDArray[np.float32]


def constant(graph: ir.Graph, name: str, array: npt.NDArray[np.generic]) -> ir.Value:
    """A new initializer."""
    array = np.require(array, requirements="C")  # keeps scalars 0-dimensional
    tensor = ir.tensor(array, name=name)
    value = ir.Value(
        name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor
    )  # fmt: skip
    graph.register_initializer(value)
    return value


def insert_activations(graph: ir.Graph, plan: Plan, params: Mapping[ir.Value, QParams]) -> None:
    """Put a quantizer behind every point.

    Integer readers take the dequantized value. So do float readers of what an integer operator computes (only the
    bytes exist in memory); float readers of a float operator's result keep reading that result.
    """
    clamps = set(plan.clamped.values())
    for value in plan.points:
        root = plan.group[value]
        producer = value.producer()
        prefix = value.name
        scale = constant(graph, f"{prefix}.scale", np.asarray(params[root].scale, np.float32))
        zero_point = constant(graph, f"{prefix}.zero_point", np.asarray(params[root].zero_point, np.uint8))
        quantize = ir.node("QuantizeLinear", [value, scale, zero_point], name=f"{prefix}.quantize")
        quantize.outputs[0].name = f"{prefix}.q"
        quantize.outputs[0].shape, quantize.outputs[0].type = value.shape, ir.TensorType(ir.DataType.UINT8)
        dequantize = ir.node(
            "DequantizeLinear", [quantize.outputs[0], scale, zero_point], name=f"{prefix}.dequantize"
        )  # fmt: skip
        dequantize.outputs[0].name = f"{prefix}.dq"
        dequantize.outputs[0].shape, dequantize.outputs[0].type = value.shape, ir.TensorType(ir.DataType.FLOAT)
        for user, index in list(value.uses()):
            if user is not quantize and (producer in plan.integer or (user in plan.integer and user not in clamps)):
                user.replace_input_with(index, dequantize.outputs[0])
        if producer is None:
            graph.insert_before(graph[0], [quantize, dequantize])
        else:
            graph.insert_after(producer, [quantize, dequantize])


def heavy_rows(node: ir.Node) -> Array:
    """The weights of a Conv, Gemm or MatMul as (output channels, everything else)."""
    weight = node.inputs[1]
    assert weight is not None and weight.const_value is not None
    array = np.asarray(weight.const_value.numpy(), np.float32)
    if output_axis(node) == 1:
        array = array.T
    return array.reshape(array.shape[0], -1)


def output_axis(node: ir.Node) -> int:
    """The axis of the weights that counts output channels."""
    if node.op_type == "Conv" or (node.op_type == "Gemm" and node.attributes.get_int("transB", 0)):
        return 0
    return 1


def insert_weights(graph: ir.Graph, plan: Plan, params: Mapping[ir.Value, QParams], bits: int) -> None:
    """Replace the weights and biases of every integer Conv, Gemm and MatMul. Gemm is brought to transB=1."""
    inputs = {node: node.inputs[0] for node in graph if node in plan.integer and node.op_type in HEAVY}
    for node, value in inputs.items():
        assert value is not None
        _quantize_node(graph, node, params[plan.group[value]].scale, bits)


def _quantize_node(graph: ir.Graph, node: ir.Node, input_scale: float, bits: int) -> None:
    weight = node.inputs[1]
    assert weight is not None and weight.shape is not None
    rows, name, axis = heavy_rows(node), node.outputs[0].name, output_axis(node)
    bias_value = node.inputs[2] if len(node.inputs) > 2 else None
    bias = None
    if bias_value is not None and bias_value.const_value is not None:
        bias = np.asarray(bias_value.const_value.numpy(), np.float32).ravel()
    scales = channel_scales(rows, bits)
    if bias is not None:
        scales = scales_for_bias(scales, bias, input_scale)
    quantized = quantize_rows(rows, scales, bits)
    if node.op_type == "MatMul":
        quantized = quantized.T
    elif node.op_type == "Conv":
        quantized = quantized.reshape(weight.const_value.numpy().shape)  # type: ignore[union-attr]
    else:
        node.attributes["transB"] = ir.AttrInt64("transB", 1)
        axis = 0
    node.replace_input_with(1, _dequantized(graph, node, f"{name}.weight", quantized, scales, axis))
    if bias is not None:
        unit = (np.float32(input_scale) * scales).astype(np.float32)
        integers = quantize_bias(bias, scales, input_scale)
        node.replace_input_with(2, _dequantized(graph, node, f"{name}.bias", integers, unit, 0))


def _dequantized(
    graph: ir.Graph, node: ir.Node, name: str, integers: npt.NDArray[np.generic], scales: Array, axis: int
) -> ir.Value:
    """DequantizeLinear of an integer constant, per channel along `axis`, put just before `node`."""
    inputs = [constant(graph, f"{name}.q", integers), constant(graph, f"{name}.scale", scales)]
    if integers.dtype == np.int8:
        inputs.append(constant(graph, f"{name}.zero_point", np.zeros(len(scales), np.int8)))
    dequantize = ir.node("DequantizeLinear", inputs, {"axis": axis}, name=f"{name}.dequantize")
    result = dequantize.outputs[0]
    result.name, result.shape = f"{name}.dq", ir.Shape(integers.shape)
    result.type = ir.TensorType(ir.DataType.FLOAT)
    graph.insert_before(node, dequantize)
    return result
