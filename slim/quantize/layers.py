"""Every layer's weights and bias in integers, rounded with regard to its inputs where those are small enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import onnx_ir as ir

from slim.quantize.executor import Array
from slim.quantize.plan import HEAVY, Plan
from slim.quantize.ranges import QParams
from slim.quantize.rounding import Moments, batches, bias_shift, moments_of, round_rows
from slim.quantize.weights import (
    IntegerLayer,
    channel_scales,
    heavy_bias,
    heavy_rows,
    quantize_rows,
    scales_for_bias,
)  # fmt: skip


def integer_layers(
    model: ir.Model,
    samples: Iterable[Mapping[str, Array]],
    plan: Plan,
    params: Mapping[ir.Value, QParams],
    bits: int,
) -> dict[ir.Node, IntegerLayer]:
    """The integer form of every Conv, Gemm and MatMul that the plan computes in integers."""
    nodes = [node for node in model.graph if node in plan.integer and node.op_type in HEAVY]
    layers: dict[ir.Node, IntegerLayer] = {}
    for batch in batches(nodes):
        found = moments_of(model, samples, batch, plan, params)
        for node in batch:
            layers[node] = _integers(node, _scale(node, plan, params), bits, found.pop(node))
    for node in nodes:
        if node not in layers:
            layers[node] = _integers(node, _scale(node, plan, params), bits, None)
    return layers


def _scale(node: ir.Node, plan: Plan, params: Mapping[ir.Value, QParams]) -> float:
    value = node.inputs[0]
    assert value is not None
    return params[plan.group[value]].scale


def _integers(node: ir.Node, input_scale: float, bits: int, moments: Moments | None) -> IntegerLayer:
    rows, bias = heavy_rows(node), heavy_bias(node)
    scales = channel_scales(rows, bits)
    if bias is not None:
        scales = scales_for_bias(scales, bias, input_scale)
    if moments is None:
        return IntegerLayer(quantize_rows(rows, scales, bits), scales, bias)
    integers = round_rows(rows, scales, moments, bits)
    dequantized = integers.astype(np.float64) * scales[:, None].astype(np.float64)
    if node.op_type == "MatMul":  # has no bias to correct
        return IntegerLayer(integers, scales, None)
    shift = bias_shift(rows, dequantized, moments)
    corrected = (shift if bias is None else bias + shift).astype(np.float32)
    return IntegerLayer(integers, scales, corrected)
