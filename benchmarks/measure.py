"""Engines take turns on one network: fresh processes first (load, first run), then rounds of A B C, B C A, ...

Every engine's outputs are compared with those of fp32 onnxruntime on the same inputs in the same run. What comes out is
plain data (`Record`), which goes to `results` as JSON and to `figures` to be compared.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.environments import PREPARED_IN, library_bytes, python_of, version_of
from benchmarks.figures import snr_db
from benchmarks.machine import measure_peak
from benchmarks.networks import Network, Prepared, inputs, prepare
from benchmarks.worker import Worker, WorkerError
from slim.runtime.peak import Peak

LEAST_RUNS = 3  # of a turn, however long they take


@dataclass(frozen=True)
class Settings:
    """How long to measure: `rounds` turns of `seconds` for each engine, `starts` fresh processes."""

    rounds: int
    seconds: float
    starts: int


@dataclass
class Record:
    """One engine on one network. Seconds and bytes; each turn gives the median of its runs.

    `invoke` runs on inputs that were handed over, `call` is the whole call from Python: inputs in, outputs out.
    `problem` says why there is nothing else; `unsupported` when the engine cannot, rather than failed."""

    network: str
    precision: str
    threads: int
    engine: str
    version: str
    macs: int
    weight_bytes: int
    problem: str = ""
    unsupported: bool = False
    invoke: list[float] = field(default_factory=list)
    fastest: list[float] = field(default_factory=list)
    call: list[float] = field(default_factory=list)
    import_s: list[float] = field(default_factory=list)
    load_s: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)
    baseline_bytes: int = 0
    peak_bytes: int = 0
    model_bytes: int = 0
    library_bytes: int = 0
    snr_db: float | None = None

    def as_json(self) -> dict[str, object]:
        """For the results file."""
        return asdict(self)


def cores_for(threads: int) -> list[int]:
    """The last processors of those allowed: the system's own work tends to sit on the first."""
    return sorted(os.sched_getaffinity(0))[-threads:]


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def measure(
    network: Network, engines: Sequence[str], precisions: Sequence[str], threads: Sequence[int], settings: Settings
) -> tuple[list[Record], list[Peak]]:
    """Records of every combination, and the peak of a core measured beside each."""
    for engine in {*engines, "onnxruntime"}:
        python_of(engine), python_of(PREPARED_IN.get(engine, engine))
    feeds, samples = inputs(network)
    reference = _reference(network, feeds, samples)
    records: list[Record] = []
    peaks: list[Peak] = []
    for precision in precisions:
        prepared = {}
        for engine in engines:
            say(f"{network.name} {precision}: preparing {engine}")
            prepared[engine] = prepare(network, engine, precision, samples)
        for count in threads:
            say(f"{network.name} {precision}, {count} thread{'s' * (count > 1)}: measuring")
            records += _together(network, precision, count, prepared, feeds, reference, settings)
            peaks.append(measure_peak(cores_for(1)[0]))
    return records, peaks


def _reference(network: Network, feeds: Sequence[Path], samples: Sequence[Path]) -> dict[str, np.ndarray]:
    """What fp32 onnxruntime answers."""
    prepared = prepare(network, "onnxruntime", "fp32", samples)
    if prepared.file is None:
        raise WorkerError(f"onnxruntime does not take {network.path}: {prepared.problem}")
    with Worker("onnxruntime", cores_for(1)) as worker:
        worker.ask("load", file=str(prepared.file), feeds=str(feeds[0]), threads=1)
        return _outputs(worker, feeds)


def _outputs(worker: Worker, feeds: Sequence[Path]) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        worker.ask("outputs", path=f"{folder}/outputs.npz", feeds=[str(path) for path in feeds])
        with np.load(f"{folder}/outputs.npz") as file:
            return {name: file[name] for name in file.files}


def _together(
    network: Network,
    precision: str,
    threads: int,
    prepared: Mapping[str, Prepared],
    feeds: Sequence[Path],
    reference: Mapping[str, np.ndarray],
    settings: Settings,
) -> list[Record]:
    """All engines at once, in turns."""
    cores = cores_for(threads)
    records = {}
    with contextlib.ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for engine, ready in prepared.items():
            record = Record(
                network.name, precision, threads, engine, version_of(engine), network.macs, network.weight_bytes
            )
            records[engine] = record
            record.problem, record.unsupported = ready.problem, ready.unsupported
            if ready.file is None:
                continue
            record.model_bytes, record.library_bytes = ready.bytes, library_bytes(engine)
            with _noting(record):
                workers[engine] = _start(stack, record, ready.file, feeds[0], cores, settings.starts)
                record.snr_db = snr_db(reference, _outputs(workers[engine], feeds))
        order = list(workers)
        for turn in range(settings.rounds):
            for engine in order[turn % len(order) :] + order[: turn % len(order)] if order else ():
                if records[engine].problem:
                    continue
                with _noting(records[engine]):
                    _turn(workers[engine], records[engine], settings.seconds)
        for engine, worker in workers.items():
            if not records[engine].problem:
                with _noting(records[engine]):
                    records[engine].peak_bytes = worker.ask("memory")["peak_bytes"]
    return list(records.values())


@contextlib.contextmanager
def _noting(record: Record) -> Iterator[None]:
    """An engine's failure becomes its result, and the others go on."""
    try:
        yield
    except WorkerError as error:
        record.problem, record.unsupported = str(error), error.unsupported


def _start(
    stack: contextlib.ExitStack, record: Record, file: Path, feeds: Path, cores: Sequence[int], starts: int
) -> Worker:
    """Load in `starts` fresh processes one after another; the last one stays."""
    for left in range(starts, 0, -1):
        worker = Worker(record.engine, cores)
        if left == 1:
            stack.enter_context(worker)
        try:
            answer = worker.ask("load", file=str(file), feeds=str(feeds), threads=len(cores))
        finally:
            if left > 1:
                worker.close()
        record.import_s.append(answer["import_s"])
        record.load_s.append(answer["load_s"])
        record.first_s.append(answer["first_s"])
        record.baseline_bytes = answer["baseline_bytes"]
    return worker


def _turn(worker: Worker, record: Record, seconds: float) -> None:
    runs = worker.ask("run", how="invoke", seconds=seconds, least=LEAST_RUNS)["seconds"]
    calls = worker.ask("run", how="call", seconds=seconds / 3, least=LEAST_RUNS)["seconds"]
    record.invoke.append(statistics.median(runs))
    record.fastest.append(min(runs))
    record.call.append(statistics.median(calls))
