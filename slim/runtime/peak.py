"""What one core of this machine can do, measured in half a second: the limits that a layer's time is held against.

`slim/core/peak/peak.c` measures; `slim.estimate.profile` and the benchmarks compare.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slim.runtime.library import core

L2_BYTES = 1 << 20  # where the system does not say
L3_BYTES = 32 << 20
LARGEST_READ = 256 << 20
_LINE = 64


@dataclass(frozen=True)
class Peak:
    """One core's limits; None where this processor has no instruction for it. `read_gb_s`: l1, l2, l3, dram."""

    fp32_gflops: float | None
    int8_gops: float | None
    read_gb_s: dict[str, float]

    def of(self, precision: str) -> float | None:
        """Operations a second of one core in units of 1e9, a MAC counted as two."""
        return self.fp32_gflops if precision == "fp32" else self.int8_gops


def measure_peak() -> Peak:
    """Measure on the processor that the calling thread is on; the best of short tries, so a busy machine reads low."""
    library = core()
    l2, l3 = cache_bytes()
    sizes = {"l1": 16 << 10, "l2": l2 // 4, "l3": l3 // 4, "dram": min(8 * l3, LARGEST_READ)}
    room = np.ones(max(sizes.values()) + _LINE, np.uint8)  # zeros would all be one page, which stays in the cache
    start = room.ctypes.data + -room.ctypes.data % _LINE
    return Peak(
        library.slim_peak_arithmetic(0) or None,
        library.slim_peak_arithmetic(1) or None,
        {level: library.slim_peak_read(start, size) for level, size in sizes.items()},
    )


def best_peak(peaks: Sequence[Peak]) -> Peak:
    """The highest figures of several measurements: whatever disturbs only lowers them."""

    def highest(values: Sequence[float | None]) -> float | None:
        return max((value for value in values if value is not None), default=None)

    levels = {level: max(peak.read_gb_s[level] for peak in peaks) for level in peaks[0].read_gb_s}
    return Peak(highest([p.fp32_gflops for p in peaks]), highest([p.int8_gops for p in peaks]), levels)


def cache_bytes() -> tuple[int, int]:
    """Sizes of the second level of cache and of the last."""
    sizes = {}
    for folder in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        text = (folder / "size").read_text().strip()
        sizes[(folder / "level").read_text().strip()] = int(text.rstrip("KMG")) << {"K": 10, "M": 20, "G": 30}[text[-1]]
    second = sizes.get("2", L2_BYTES)
    return second, max(sizes.get("3", second if "2" in sizes else L3_BYTES), second)


def processors() -> list[int]:
    """The processors that this process may use; empty where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
