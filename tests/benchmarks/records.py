"""Records as `benchmarks.measure` makes them, with the fields that a test does not care about filled in."""

from __future__ import annotations

from typing import Any

from benchmarks.measure import Record
from slim.runtime.peak import Peak

PEAK = Peak(100.0, 400.0, {"l1": 200.0, "l2": 100.0, "l3": 50.0, "dram": 10.0})


def record(engine: str, milliseconds: list[float], **fields: Any) -> Record:
    """A record of `engine` on a network of 1 million MACs, whose rounds took these medians."""
    values = {
        "network": "net",
        "precision": "fp32",
        "threads": 1,
        "version": "1.0",
        "macs": 1_000_000,
        "weight_bytes": 4000,
        "snr_db": 120.0,
    }
    seconds = [1e-3 * value for value in milliseconds]
    starts = {"import_s": [0.1], "load_s": [0.2], "first_s": [0.3]}
    return Record(engine=engine, invoke=seconds, fastest=seconds, call=seconds, **starts, **(values | fields))
