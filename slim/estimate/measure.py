"""What a program really costs on this machine: the measured counterpart of an estimate.

A session comes from `slim.runtime`, the figures go to `slim bench`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from slim.runtime.session import WARM_UP_S

Feeds = Mapping[str, np.ndarray[Any, np.dtype[Any]]]

WARM_UP = 3
"""Runs before the first that counts, at least: pages are touched."""


class Runnable(Protocol):
    """What is measured: a `slim.Session`."""

    def run(self, feeds: Feeds) -> Mapping[str, np.ndarray[Any, np.dtype[Any]]]: ...


@dataclass(frozen=True)
class Measurement:
    """Seconds of `runs` runs: the median, the fastest, and what nine in ten stay under."""

    runs: int
    median_s: float
    fastest_s: float
    ninetieth_s: float


def measure(session: Runnable, feeds: Feeds, runs: int) -> Measurement:
    """Run the session `runs` times after a warm-up, and time each."""
    began, done = time.perf_counter(), 0
    while done < WARM_UP or time.perf_counter() - began < WARM_UP_S:
        session.run(feeds)
        done += 1
    seconds = np.empty(runs)
    for index in range(runs):
        start = time.perf_counter()
        session.run(feeds)
        seconds[index] = time.perf_counter() - start
    return Measurement(runs, float(np.median(seconds)), float(seconds.min()), float(np.quantile(seconds, 0.9)))


def random_feeds(inputs: Any, seed: int = 0) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
    """An array for each input (name, shape, dtype): normal values for floats, zeros for integers (may be indices)."""
    generator = np.random.default_rng(seed)
    return {
        info.name: generator.standard_normal(info.shape).astype(info.dtype)
        if np.issubdtype(info.dtype, np.floating)
        else np.zeros(info.shape, info.dtype)
        for info in inputs
    }
