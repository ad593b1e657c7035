"""Results files: `benchmarks/results/DATE-MACHINE.json`, everything that was measured and on what."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import as_json, describe
from benchmarks.measure import Record, Settings
from slim.runtime.peak import Peak, best_peak

FOLDER = Path(__file__).with_name("results")
FORMAT = 1


@dataclass(frozen=True)
class Results:
    """One run of the benchmark, or several put together."""

    date: str
    machine: Mapping[str, Any]
    settings: Mapping[str, Any]
    peak: Peak
    records: tuple[Record, ...]


def collect(records: Sequence[Record], peaks: Sequence[Peak], settings: Settings) -> Results:
    """What was measured now."""
    date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return Results(date, describe(), vars(settings), best_peak(peaks), tuple(records))


def save(results: Results, path: Path | None = None) -> Path:
    """Write to `path`, or to a name made of the date and the machine."""
    if path is None:
        processor = re.sub(r"[^a-z0-9]+", "-", str(results.machine["processor"]).lower()).strip("-")
        path = FOLDER / f"{results.date[:19].replace(':', '')}-{processor}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {
        "format": FORMAT,
        "date": results.date,
        "machine": dict(results.machine),
        "settings": dict(results.settings),
        "peak_of_a_core": as_json(results.peak),
        "records": [record.as_json() for record in results.records],
    }
    path.write_text(json.dumps(data, indent=1) + "\n")
    return path


def load(paths: Iterable[Path]) -> Results:
    """Read files as one: of two records of the same thing the later file's stands, of two peaks the higher."""
    loaded = [json.loads(path.read_text()) for path in paths]
    for data in loaded:
        if data.get("format") != FORMAT:
            raise ValueError(f"not a results file of format {FORMAT}")
    records: dict[tuple[object, ...], Record] = {}
    for data in loaded:
        for item in data["records"]:
            record = Record(**item)
            records[record.network, record.precision, record.threads, record.engine] = record
    last = loaded[-1]
    peak = best_peak([Peak(**data["peak_of_a_core"]) for data in loaded])
    return Results(last["date"], last["machine"], last["settings"], peak, tuple(records.values()))
