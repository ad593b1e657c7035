"""Write the decisions into the graph: QuantizeLinear/DequantizeLinear pairs, int8 weights, int32 biases."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from slim.quantize.plan import Plan
from slim.quantize.ranges import QParams
from slim.quantize.weights import IntegerLayer, quantize_bias

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


def insert_weights(
    graph: ir.Graph, plan: Plan, params: Mapping[ir.Value, QParams], layers: Mapping[ir.Node, IntegerLayer]
) -> None:
    """Replace the weights and biases of every integer Conv, Gemm and MatMul. Gemm is brought to transB=1."""
    for node, layer in layers.items():
        value, weight = node.inputs[0], node.inputs[1]
        assert value is not None
        assert weight is not None
        assert weight.const_value is not None
        name, axis = node.outputs[0].name, 0
        integers: npt.NDArray[np.int8] = layer.weights
        if node.op_type == "Conv":
            integers = integers.reshape(weight.const_value.shape.numpy())
        elif node.op_type == "MatMul":
            integers, axis = integers.T, 1
        else:
            node.attributes["transB"] = ir.AttrInt64("transB", 1)
        node.replace_input_with(1, _dequantized(graph, node, f"{name}.weight", integers, layer.scales, axis))
        if layer.bias is not None:
            input_scale = params[plan.group[value]].scale
            unit = (np.float32(input_scale) * layer.scales).astype(np.float32)
            bias = quantize_bias(layer.bias, layer.scales, input_scale)
            if len(node.inputs) < 3:
                node.resize_inputs(3)
            node.replace_input_with(2, _dequantized(graph, node, f"{name}.bias", bias, unit, 0))


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
