"""Run the samples through the float model and keep, for each watched value, what its range is chosen from.

One pass; a sample's tensors are dropped before the next one runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from slim.errors import Problem, SlimError
from slim.quantize.executor import Array, run_all
from slim.quantize.histogram import Histogram


@dataclass
class Statistics:
    """What calibration keeps of one value: its histogram, and per channel (axis 1) the extremes and the sum."""

    histogram: Histogram = field(default_factory=Histogram)
    low: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))  # (C,)
    high: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))  # (C,)
    total: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))  # (C,) sum over samples and positions
    squares: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))  # (C,) sum of squares
    count: int = 0  # values summed into each entry of total and squares

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        return self.total / max(self.count, 1)

    @property
    def mean_square(self) -> npt.NDArray[np.float64]:
        return self.squares / max(self.count, 1)

    def shift(self, by: npt.NDArray[np.float64]) -> None:
        """Account for `by` (C,) having been subtracted. The histogram, which knows no channels, is left as it was."""
        self.low, self.high = self.low - by, self.high - by
        self.squares = self.squares - 2 * by * self.total + self.count * np.square(by)
        self.total = self.total - self.count * by

    def add(self, values: Array) -> None:
        self.histogram.add(values)
        channels = values.reshape(values.shape[0], values.shape[1], -1) if values.ndim > 1 else values.reshape(1, 1, -1)
        low, high = channels.min(axis=(0, 2)), channels.max(axis=(0, 2))
        total = channels.sum(axis=(0, 2), dtype=np.float64)
        squares = np.einsum("ncp,ncp->c", channels, channels).astype(np.float64)
        if self.count:
            low, high = np.minimum(low, self.low), np.maximum(high, self.high)
            total, squares = total + self.total, squares + self.squares
        self.low, self.high, self.total, self.squares = low, high, total, squares
        self.count += channels.shape[0] * channels.shape[2]


def observe(
    model: ir.Model, samples: Iterable[Mapping[str, Array]], values: Sequence[ir.Value]
) -> dict[ir.Value, Statistics]:
    """Statistics of `values` over all samples. Raises SlimError when there are none or values are not finite."""
    names = {value.name: value for value in values if value.name is not None}
    run = run_all(model, list(names))
    found = {value: Statistics() for value in values}
    number = 0
    for number, feeds in enumerate(samples, 1):
        problems = []
        for name, array in run(feeds).items():
            if array.size == 0:
                continue
            if not np.isfinite(array).all():
                problems.append(_not_finite(names[name], array, number))
            elif not problems:
                found[names[name]].add(array)
        if problems:
            raise SlimError(problems[:1])  # the first in graph order is the cause, the others follow from it
    if number == 0:
        raise SlimError(Problem("there are no calibration samples", do="give at least one, better 64"))
    return found


def _not_finite(value: ir.Value, array: Array, number: int) -> Problem:
    kind = "NaN" if np.isnan(array).any() else "infinity"
    producer = value.producer()
    where = f"input '{value.name}'" if producer is None else f"node '{producer.name}' ({producer.op_type})"
    do = "repair the data" if producer is None else "check the weights and the preprocessing of the data"
    return Problem(f"holds {kind} on calibration sample {number}", where, do)
