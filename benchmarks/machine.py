"""The machine that figures hold for: its name, processors, load, and the peak of one core, measured by `peak.c`."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache as once
from pathlib import Path

from benchmarks.environments import BenchError, cache

SOURCE = Path(__file__).with_name("peak.c")


@dataclass(frozen=True)
class Peak:
    """One core's limits; None where this processor has no instruction for it. `read_gb_s`: l1, l2, l3, dram."""

    fp32_gflops: float | None
    int8_gops: float | None
    read_gb_s: dict[str, float]

    def of(self, precision: str) -> float | None:
        """Operations a second of one core in units of 1e9, a MAC counted as two."""
        return self.fp32_gflops if precision == "fp32" else self.int8_gops


def measure_peak(core: int) -> Peak:
    """Measure on one processor, about half a second.

    Raises BenchError when it cannot be compiled."""
    done = subprocess.run(
        [str(_program())],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    return Peak(**json.loads(done.stdout))


def best_peak(peaks: Sequence[Peak]) -> Peak:
    """The highest figures of several measurements: whatever disturbs only lowers them."""

    def highest(values: Sequence[float | None]) -> float | None:
        return max((value for value in values if value is not None), default=None)

    levels = {level: max(peak.read_gb_s[level] for peak in peaks) for level in peaks[0].read_gb_s}
    return Peak(highest([p.fp32_gflops for p in peaks]), highest([p.int8_gops for p in peaks]), levels)


@once
def _program() -> Path:
    from slim.core.compile import find_compiler

    program = cache() / "peak"
    if not program.is_file() or program.stat().st_mtime < SOURCE.stat().st_mtime:
        command = [*find_compiler(), "-O2", "-std=gnu11", str(SOURCE), "-o", str(program)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"peak.c does not compile: {done.stderr.strip()[-400:]}")
    return program


def describe() -> dict[str, object]:
    """Processor, cores, memory, system, and how busy the machine is: figures from a busy one are worth little."""
    return {
        "processor": _first("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": _first("/proc/meminfo", "MemTotal"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def _first(path: str, field: str) -> str:
    """The value of the first `field : value` line of a file of /proc."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(field)), "")


def as_json(peak: Peak) -> dict[str, object]:
    """For the results file."""
    return asdict(peak)
