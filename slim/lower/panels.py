"""Weights in panels of 16 output channels: the packing that every register width reads (docs/core.md).

fp32 `[panels][K][16]`, for Winograd's algorithm in blocks along K of `[taps][32][16]`, bf16
`[panels][taps * K / 2][16][2]`, int8 `[panels][taps][K / 4][16][4]`, depthwise `[panels][taps][16]`. Channels past
the last are zero.
"""

from __future__ import annotations

import numpy as np

from slim.core.format import PANEL
from slim.lower.storage import halved

WINOGRAD_BLOCK = 32  # input channels whose taps lie side by side


def _pad(array: np.ndarray, axis: int, multiple: int) -> np.ndarray:
    """Zeros at the end of an axis up to a multiple."""
    short = -array.shape[axis] % multiple
    if not short:
        return array
    widths = [(0, 0)] * array.ndim
    widths[axis] = (0, short)
    return np.pad(array, widths)


def gemm_f32(weights: np.ndarray) -> np.ndarray:
    """(O, K) float -> [O/16][K][16]."""
    padded = _pad(np.asarray(weights, np.float32), 0, PANEL)
    return np.ascontiguousarray(padded.reshape(-1, PANEL, padded.shape[1]).transpose(0, 2, 1))


def winograd_f32(weights: np.ndarray) -> np.ndarray:
    """(O, 9, K) float -> [O/16][K][9][16] in blocks of 32 of K, one after the other, each [9][32][16]."""
    taps = gemm_f32(weights.reshape(weights.shape[0], -1)).reshape(-1, 9, weights.shape[2], PANEL)
    blocks = [taps[:, :, k : k + WINOGRAD_BLOCK] for k in range(0, weights.shape[2], WINOGRAD_BLOCK)]
    ordered = np.concatenate([block.reshape(len(taps), -1) for block in blocks], axis=1)
    return ordered.reshape(len(taps), weights.shape[2], 9, PANEL)


def gemm_bf16(weights: np.ndarray) -> np.ndarray | None:
    """(O, taps, K) float -> [O/16][taps * K/2][16] int32, two neighbours along K in each as bf16, the first lower.

    None where a weight is not finite in bf16.
    """
    half = halved(np.ascontiguousarray(weights, np.float32), "bf16", smallest=0)
    if half is None:
        return None
    padded = _pad(_pad(half[0], 0, PANEL), 2, 2)
    outputs, taps, k = padded.shape
    pairs = padded.reshape(outputs // PANEL, PANEL, taps * k // 2, 2).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(pairs).view(np.int32).reshape(outputs // PANEL, taps * k // 2, PANEL)


def gemm_u8(weights: np.ndarray) -> np.ndarray:
    """(O, taps, K) int8 -> [O/16][taps][K/4][64], where 64 is [16 channels][4 k]."""
    padded = _pad(_pad(weights, 0, PANEL), 2, 4)
    outputs, taps, k = padded.shape
    blocks = padded.reshape(outputs // PANEL, PANEL, taps, k // 4, 4).transpose(0, 2, 3, 1, 4)
    return np.ascontiguousarray(blocks).reshape(outputs // PANEL, taps, k // 4, 4 * PANEL)


def image_u8(weights: np.ndarray) -> np.ndarray:
    """(O, C, H, W) int8 -> [O/16][1][K][64]: rows (h, c) in fours of bytes a column, then what is left, row by row."""
    outputs, _, _, width = weights.shape
    rows = weights.transpose(0, 2, 1, 3).reshape(outputs, -1, width)
    whole = rows.shape[1] // 4 * 4
    fours = rows[:, :whole].reshape(outputs, -1, 4, width).transpose(0, 1, 3, 2).reshape(outputs, -1)
    rest = _pad(rows[:, whole:], 2, 4).reshape(outputs, -1)
    return gemm_u8(np.concatenate([fours, rest], axis=1)[:, None])


def depthwise(weights: np.ndarray) -> np.ndarray:
    """(C, taps) -> [C/16][taps][16]."""
    padded = _pad(weights, 0, PANEL)
    return np.ascontiguousarray(padded.reshape(-1, PANEL, padded.shape[1]).transpose(0, 2, 1))


def vector(values: np.ndarray) -> np.ndarray:
    """(C,) padded with zeros to a multiple of 16."""
    return _pad(values, 0, PANEL)


def channels(bias: np.ndarray, weight_sums: np.ndarray, multiplier: np.ndarray) -> np.ndarray:
    """[C/16][3][16] of int32: bias, 128 times the weights' sums, the multiplier's float bits; each of (C,)."""
    rows = [
        vector(bias.astype(np.int32)),
        vector((weight_sums.astype(np.int64) * 128).astype(np.int32)),
        vector(multiplier.astype(np.float32)).view(np.int32),
    ]
    return np.ascontiguousarray(np.stack([row.reshape(-1, PANEL) for row in rows], axis=1))
