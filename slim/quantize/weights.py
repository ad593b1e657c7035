"""Weights and biases as integers: symmetric int8 for each output channel, int32 biases on the accumulator's scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class IntegerLayer:
    """One Conv, Gemm or MatMul: int8 weights (O, K), their scales (O,), and the bias (O,) still in real units."""

    weights: npt.NDArray[np.int8]
    scales: Array
    bias: Array | None


def heavy_rows(node: ir.Node) -> Array:
    """The weights of a Conv, Gemm or MatMul as (output channels, everything else)."""
    weight = node.inputs[1]
    assert weight is not None
    assert weight.const_value is not None
    array = np.asarray(weight.const_value.numpy(), np.float32)
    if node.op_type != "Conv" and not node.attributes.get_int("transB", 0):
        array = array.T
    return np.ascontiguousarray(array.reshape(array.shape[0], -1))


def heavy_bias(node: ir.Node) -> Array | None:
    """The bias (O,) of a Conv or Gemm, if it has one."""
    value = node.inputs[2] if len(node.inputs) > 2 else None
    if value is None or value.const_value is None:
        return None
    return np.asarray(value.const_value.numpy(), np.float32).ravel()


FRACTIONS = np.linspace(1.0, 0.7, 31)  # of the largest weight: how far the search for the best scale clips
MOST_BIAS = 2.0**30  # keeps the accumulator's sum with the products within 32 bits


def channel_scales(weights: Array, bits: int = 8) -> Array:
    """The scale of each row of `weights` (O, K) with the least squared error, by a search over clipping fractions."""
    limit = 2 ** (bits - 1) - 1
    largest = np.abs(weights).max(axis=1).astype(np.float64) if weights.shape[1] else np.zeros(len(weights))
    largest[largest == 0] = limit  # a channel without weights: any scale will do
    best, least = largest / limit, np.full(len(weights), np.inf)
    for fraction in FRACTIONS:
        scale = largest * fraction / limit
        steps = np.clip(np.round(weights / scale[:, None]), -limit, limit)
        error = np.square(steps * scale[:, None] - weights).sum(axis=1)
        better = error < least
        best[better], least[better] = scale[better], error[better]
    result: Array = best.astype(np.float32)
    return result


def quantize_rows(weights: Array, scales: Array, bits: int = 8) -> npt.NDArray[np.int8]:
    """Rows (O, K) rounded to nearest on their scales (O,)."""
    limit = 2 ** (bits - 1) - 1
    return np.clip(np.round(weights / scales[:, None]), -limit, limit).astype(np.int8)


def scales_for_bias(scales: Array, bias: Array, input_scale: float) -> Array:
    """Weight scales, enlarged where the int32 bias `bias / (input_scale * scale)` would not fit."""
    return np.maximum(scales, (np.abs(bias) / (input_scale * MOST_BIAS)).astype(np.float32))


def quantize_bias(bias: Array, scales: Array, input_scale: float) -> npt.NDArray[np.int32]:
    """Biases (O,) in units of the accumulator, `input_scale * scales[o]`."""
    unit = (np.float32(input_scale) * scales).astype(np.float64)
    return np.round(bias / unit).astype(np.int32)
