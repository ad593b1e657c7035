"""Integer arithmetic of a convolution or dense layer: weights, bias, multipliers, clamps.

With x = (qx - zx) sx and w = (qw - 0) sw[o], the output in stored integers is

    zy + round(clamp((bias[o] - zx * sum(qw) + sum(qx * qw)) * (sx * sw[o] / sy)))

The part in the inner brackets is one 32-bit accumulator; the multiplier is computed in float32 in this order, as
onnxruntime does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from slim.lower.activations import FLOAT_MAX, Chain, Target, follow, target
from slim.lower.context import Lowering

_INT32 = np.iinfo(np.int32)


@dataclass(frozen=True)
class IntegerLayer:
    """The integer form of a layer with constant weights."""

    weights: np.ndarray  # (O, ...) int8
    bias: np.ndarray  # (O,) int32, the input's zero point folded in
    weight_sums: np.ndarray  # (O,)
    multiplier: np.ndarray  # (O,) float32
    target: Target | None  # None: the output is float
    chain: Chain

    @property
    def output(self) -> dict[str, float | int]:
        """Scale and zero point of the output tensor."""
        return {"scale": float(self.target.scale), "zero_point": self.target.zero_point} if self.target else {}

    @property
    def clamp(self) -> dict[str, int | float]:
        """The attributes `lo hi flo fhi`."""
        if self.target:
            return {"lo": self.target.lo, "hi": self.target.hi, "flo": 0.0, "fhi": 0.0}
        return {"lo": 0, "hi": 255, "flo": max(self.chain.lo, -FLOAT_MAX), "fhi": min(self.chain.hi, FLOAT_MAX)}


def integer_layer(
    low: Lowering, x: ir.Value, w: ir.Value, bias: ir.Value | None, y: ir.Value, *, transpose: bool = False
) -> IntegerLayer | None:
    """The layer in integers; None where its input, weights or bias do not allow it (it then runs in float).

    `transpose`: the weights are (K, O) rather than (O, ...).
    """
    if not low.is_quantized(x):
        return None
    weights = _signed_weights(low, w, transpose)
    if weights is None:
        return None
    qw, sw = weights
    scale, zx = low.quantization_of(x)
    sx = np.float32(scale)
    sums = qw.reshape(qw.shape[0], -1).astype(np.int64).sum(axis=1)
    qb = _integer_bias(low, bias, sx, sw, qw.shape[0])
    if qb is None:
        return None
    folded = qb - zx * sums
    if folded.size and (folded.min() < _INT32.min or folded.max() > _INT32.max):
        return None
    found = target(low, y)
    product = np.broadcast_to(sx * sw, (qw.shape[0],)).astype(np.float32)
    multiplier = product / found.scale if found else product
    if not np.isfinite(multiplier).all():
        return None
    chain = found.chain if found else follow(low, y)
    return IntegerLayer(qw, folded.astype(np.int32), sums, multiplier.astype(np.float32), found, chain)


def _signed_weights(low: Lowering, w: ir.Value, transpose: bool) -> tuple[np.ndarray, np.ndarray] | None:
    """int8 weights (O, ...) with zero point 0, and their scales () or (O,)."""
    constant = low.quantized_constant(w)
    if constant is None or constant.values.dtype not in (np.dtype(np.int8), np.dtype(np.uint8)):
        return None
    values = constant.values.astype(np.int16)
    channel_axis = values.ndim - 1 if transpose else 0
    if constant.scale.ndim and constant.axis != channel_axis:
        return None
    shape = [1] * values.ndim
    if constant.zero_point.ndim:
        shape[channel_axis] = -1
    values = values - constant.zero_point.astype(np.int16).reshape(shape)
    if values.size and (values.min() < -128 or values.max() > 127):
        return None
    signed = values.astype(np.int8)
    return (np.ascontiguousarray(signed.T) if transpose else signed), constant.scale.astype(np.float32)


def _integer_bias(
    low: Lowering, bias: ir.Value | None, sx: np.float32, sw: np.ndarray, outputs: int
) -> np.ndarray | None:
    """The bias in units of sx * sw[o], int64 (O,)."""
    if bias is None:
        return np.zeros(outputs, np.int64)
    stored = low.quantized_constant(bias)
    in_units = stored is not None and stored.values.dtype == np.int32 and not stored.zero_point.any()
    if stored is not None and in_units and np.allclose(stored.scale, sx * sw, rtol=1e-5, atol=0.0):
        return np.broadcast_to(stored.values.reshape(-1), (outputs,)).astype(np.int64)
    real = low.constant(bias)
    if real is None or real.size not in (1, outputs):
        return None
    units = np.rint(real.reshape(-1).astype(np.float64) / (sx * sw).astype(np.float64))
    if not np.isfinite(units).all() or np.abs(units).max(initial=0) > _INT32.max:
        return None
    return np.broadcast_to(units.astype(np.int64), (outputs,))
