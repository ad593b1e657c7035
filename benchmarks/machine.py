"""The machine that figures hold for: its name, processors, load, and the peak of one core."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from pathlib import Path

import slim.runtime.peak
from slim.runtime.peak import Peak


def measure_peak(core: int) -> Peak:
    """The peak of one processor, about half a second."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        return slim.runtime.peak.measure_peak()
    finally:
        os.sched_setaffinity(0, before)


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
