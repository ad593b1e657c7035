"""Weights in 16 bits: half the bytes of a program. The core widens them to fp32 when a session is set up.

fp16 keeps 11 significant bits of values from 6e-5 to 65504, bf16 8 bits of every magnitude that fp32 has.
"""

from __future__ import annotations

import numpy as np

from slim.core.format import Type
from slim.errors import Problem, SlimError

WEIGHTS = ("fp32", "fp16", "bf16")
SMALLEST = 256  # elements: below, there is nothing to save


def check_weights(weights: str) -> None:
    """Raise SlimError unless this is a way to store weights."""
    if weights not in WEIGHTS:
        raise SlimError(Problem(f"unknown type of weights {weights!r}", do=f"use one of {', '.join(WEIGHTS)}"))


def halved(array: np.ndarray, weights: str, *, smallest: int = SMALLEST) -> tuple[np.ndarray, Type] | None:
    """The array in 16 bits, and their type; None where it stays as it is.

    Floats of rank 2 and more are halved where no finite value overflows; bias vectors are small and stay.
    """
    if weights == "fp32" or array.dtype != np.float32 or array.ndim < 2 or array.size < smallest:
        return None
    if not np.isfinite(array).all():
        return None
    if weights == "fp16":
        with np.errstate(over="ignore"):
            half = array.astype(np.float16)
        return (half, Type.F16) if np.isfinite(half).all() else None
    bits = np.ascontiguousarray(array).view(np.uint32)
    rounded = ((bits.astype(np.uint64) + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return (rounded, Type.BF16) if ((rounded & 0x7F80) != 0x7F80).all() else None
