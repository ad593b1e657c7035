"""Inputs of an ONNX network in the order of axes that a converted copy of it wants."""

from __future__ import annotations

import numpy as np

from benchmarks.engines import UnsupportedByEngineError


def turned(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The array with its axes in the order that gives this shape: as it is, or with the channels last.

    Raises UnsupportedByEngineError where neither fits."""
    for order in (tuple(range(array.ndim)), (0, *range(2, array.ndim), 1)):
        if tuple(array.shape[axis] for axis in order) == shape:
            return np.ascontiguousarray(array.transpose(order))
    raise UnsupportedByEngineError(f"an input of shape {list(array.shape)} became {list(shape)}")
