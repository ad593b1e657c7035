"""From what a tensor was seen to hold to its scale and zero point.

Asymmetric 8 bits: `x ~ scale * (q - zero_point)`, q in 0..255. Zero is always represented exactly, because padding and
ReLU produce it (Jacob et al. 2018, arXiv 1712.05877, section 2.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from slim.quantize.histogram import Floats, Histogram

METHODS = ("mse", "minmax", "percentile")
LEVELS = 255
PERCENTILE = 99.99
SEARCH_STEPS = 64
LEAST_SCALE = 2.0**-100  # products of two scales must stay normal floats


@dataclass(frozen=True)
class QParams:
    """Scale and zero point of one uint8 tensor, and the real interval `low..high` that they represent."""

    scale: float
    zero_point: int

    @property
    def low(self) -> float:
        return -self.zero_point * self.scale

    @property
    def high(self) -> float:
        return (LEVELS - self.zero_point) * self.scale


def qparams(low: float, high: float) -> QParams:
    """Scale and zero point whose range covers about [low, high], which is widened to hold zero."""
    low, high = min(low, 0.0), max(high, 0.0)
    if high == low:
        return QParams(1.0, 0)
    scale = float(np.float32(max((high - low) / LEVELS, LEAST_SCALE)))
    return QParams(scale, int(np.clip(round(-low / scale), 0, LEVELS)))


def choose(histogram: Histogram, method: str) -> QParams:
    """The quantization of what `histogram` holds by `minmax`, `percentile` (99.99) or `mse` (least squared error)."""
    low, high = min(histogram.minimum, 0.0), max(histogram.maximum, 0.0)
    if method == "minmax" or low >= high:
        return qparams(low, high)
    values, weights = histogram.points()
    if method == "percentile":
        return qparams(*_percentile(values, weights, histogram.zeros, low, high))
    return qparams(*_least_squares(values, weights, low, high))


def _percentile(values: Floats, weights: Floats, zeros: int, low: float, high: float) -> tuple[float, float]:
    tail = (weights.sum() + zeros) * (1 - PERCENTILE / 100)
    below, above = np.cumsum(weights), np.cumsum(weights[::-1])
    low_index = min(int(np.searchsorted(below, tail)), len(values) - 1)
    high_index = min(int(np.searchsorted(above, tail)), len(values) - 1)
    return max(low, min(float(values[low_index]), 0.0)), min(high, max(float(values[::-1][high_index]), 0.0))


def squared_error(values: Floats, weights: Floats, low: Floats, high: Floats) -> Floats:
    """Sum of weighted squared errors of quantizing `values` (N,) with each of the ranges `low`, `high` (R,) -> (R,)."""
    scale = np.maximum((high - low) / LEVELS, LEAST_SCALE)[:, None]
    zero_point = np.clip(np.round(-low[:, None] / scale), 0, LEVELS)
    quantized = np.clip(np.round(values / scale) + zero_point, 0, LEVELS)
    error: Floats = np.square((quantized - zero_point) * scale - values) @ weights
    return error


def _least_squares(values: Floats, weights: Floats, low: float, high: float) -> tuple[float, float]:
    """Shrink both ends in turn, twice, to the least squared error (a line search over 64 fractions each)."""
    fractions = np.linspace(1.0, 1.0 / SEARCH_STEPS, SEARCH_STEPS)
    best_low, best_high = np.float64(low), np.float64(high)
    for _ in range(2 if low < 0 < high else 1):
        if high > 0:
            candidates = high * fractions
            error = squared_error(values, weights, np.full_like(candidates, best_low), candidates)
            best_high = candidates[np.argmin(error)]
        if low < 0:
            candidates = low * fractions
            error = squared_error(values, weights, candidates, np.full_like(candidates, best_high))
            best_low = candidates[np.argmin(error)]
    return float(best_low), float(best_high)


def quantize_array(values: npt.NDArray[np.floating], params: QParams) -> npt.NDArray[np.uint8]:
    """QuantizeLinear of the ONNX standard, to uint8: round half to even, add the zero point, saturate."""
    steps = np.round(values / np.float32(params.scale)) + params.zero_point
    result: npt.NDArray[np.uint8] = np.clip(steps, 0, LEVELS).astype(np.uint8)
    return result
