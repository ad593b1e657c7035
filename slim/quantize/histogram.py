"""A histogram that grows with its data: what calibration keeps of a tensor, whatever the number of samples.

Bins are a power of two wide and start at zero, so two histograms add up without resampling. Exact zeros (what ReLU
leaves) are counted apart: they cost no rounding error under any quantization that represents zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

MAX_BINS = 4096
LEAST_WIDTH = 2.0**-110  # its reciprocal is a normal float32

Floats = npt.NDArray[np.float64]


@dataclass
class Histogram:
    """Counts of bins `[(first + i) * width, (first + i + 1) * width)`, the exact minimum and maximum, and the zeros."""

    width: float = 0.0
    first: int = 0
    counts: Floats = field(default_factory=lambda: np.zeros(0))
    zeros: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf

    def add(self, values: npt.NDArray[np.floating]) -> None:
        """Count finite values, of any shape. The caller has refused NaN and infinity."""
        low, high = float(values.min()), float(values.max())
        self.minimum, self.maximum = min(self.minimum, low), max(self.maximum, high)
        self._cover(low, high)
        flat = values.ravel()
        some = flat[flat != 0]
        self.zeros += flat.size - some.size
        if not some.size:
            return
        index = np.floor(some * np.float32(1.0 / self.width)).astype(np.int32)
        index -= self.first
        self.counts += np.bincount(index, minlength=len(self.counts))

    def merged(self, other: Histogram) -> Histogram:
        """The histogram of both sets of values."""
        total = Histogram(self.width, self.first, self.counts.copy(), self.zeros, self.minimum, self.maximum)
        if other.minimum > other.maximum:
            return total
        total._cover(other.minimum, other.maximum, other.width)
        total.minimum, total.maximum = min(self.minimum, other.minimum), max(self.maximum, other.maximum)
        total.zeros += other.zeros
        if len(other.counts):
            ratio = round(total.width / other.width)
            index = (np.arange(other.first, other.first + len(other.counts)) // ratio) - total.first
            total.counts += np.bincount(index, weights=other.counts, minlength=len(total.counts))
        return total

    def points(self) -> tuple[Floats, Floats]:
        """(values, weights): the middles of the bins that hold something, and how many values each holds."""
        used = np.flatnonzero(self.counts)
        middles = (used + self.first + 0.5) * self.width
        return np.clip(middles, self.minimum, self.maximum), self.counts[used]

    def _cover(self, low: float, high: float, least_width: float = 0.0) -> None:
        """Widen bins (by powers of two) and the span until [low, high] and zero lie within."""
        low, high = min(low, 0.0, self.first * self.width), max(high, 0.0, (self.first + len(self.counts)) * self.width)
        if high == low:
            return
        width = max(self.width, least_width, LEAST_WIDTH, 2.0 ** math.ceil(math.log2((high - low) / (MAX_BINS - 2))))
        first = math.floor(low / width)
        counts = np.zeros(math.floor(high / width) + 1 - first)
        if len(self.counts):
            ratio = round(width / self.width)
            index = (np.arange(self.first, self.first + len(self.counts)) // ratio) - first
            counts += np.bincount(index, weights=self.counts, minlength=len(counts))
        self.width, self.first, self.counts = width, first, counts
