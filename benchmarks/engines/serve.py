"""The worker's side of the line protocol: JSON requests on stdin, JSON answers on stdout, one a line.

    python -m benchmarks.engines.serve NAME CORES

NAME is a module of this folder without `_engine`, CORES the processors to stay on, as `0,1`. Whatever the engine itself
prints goes to stderr. Requests, with their answers:

    {"do": "prepare", "model", "precision", "samples", "folder"}  -> {"file"}
    {"do": "load", "file", "feeds", "threads"}                    -> import_s, load_s, first_s, baseline_bytes
    {"do": "run", "how": "invoke" or "call", "seconds", "least"}  -> {"seconds": [each run's]}
    {"do": "outputs", "path", "feeds": [files]}                   -> {}, and path.npz
    {"do": "memory"}                                              -> {"peak_bytes": VmHWM}

An engine that fails answers {"error": why}, and {"unsupported": why} where it says itself that it cannot.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engines import UnsupportedByEngineError

Answer = dict[str, Any]


def memory(field: str) -> int:
    """Bytes of a field of /proc/self/status: VmHWM, VmRSS."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def feeds_of(path: str) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name."""
    with np.load(path) as file:
        return {name: np.ascontiguousarray(file[name]) for name in file.files}


class Worker:
    """One engine in this process."""

    def __init__(self, name: str) -> None:
        self.module = f"benchmarks.engines.{name}_engine"
        self.engine: Any = None
        self.feeds: dict[str, np.ndarray] = {}

    def prepare(self, model: str, precision: str, samples: list[str], folder: str) -> Answer:
        Path(folder).mkdir(parents=True, exist_ok=True)
        module = importlib.import_module(self.module)
        file = module.prepare(Path(model), precision, [feeds_of(path) for path in samples], Path(folder))
        return {"file": str(file)}

    def load(self, file: str, feeds: str, threads: int) -> Answer:
        self.feeds = feeds_of(feeds)
        baseline = memory("VmRSS")
        start = time.perf_counter()
        module = importlib.import_module(self.module)
        imported = time.perf_counter()
        self.engine = module.Engine(Path(file), threads)
        loaded = time.perf_counter()
        self.feeds = self.engine.adapt(self.feeds)
        adapted = time.perf_counter()
        self.engine.call(self.feeds)
        first = time.perf_counter() - adapted
        self.engine.bind(self.feeds)
        return {
            "import_s": imported - start,
            "load_s": loaded - imported,
            "first_s": first,
            "baseline_bytes": baseline,
        }

    def run(self, how: str, seconds: float, least: int) -> Answer:
        engine, feeds, clock = self.engine, self.feeds, time.perf_counter
        function = engine.invoke if how == "invoke" else lambda: engine.call(feeds)
        gc.collect()
        gc.disable()
        warm = clock() + 0.2 * seconds
        function()
        while clock() < warm:
            function()
        times: list[float] = []
        end = clock() + seconds
        while len(times) < least or clock() < end:
            start = clock()
            function()
            times.append(clock() - start)
        gc.enable()
        return {"seconds": times}

    def outputs(self, path: str, feeds: list[str]) -> Answer:
        engine, found = self.engine, {}
        for index, file in enumerate(feeds):
            named = engine.named(engine.call(engine.adapt(feeds_of(file))))
            found |= {f"{name}@{index}": np.array(array) for name, array in named.items()}
        np.savez(path, **found)
        engine.bind(self.feeds)
        return {}

    def memory(self) -> Answer:
        return {"peak_bytes": memory("VmHWM")}


def main() -> None:
    """Answer requests until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    name, cores = sys.argv[1:3]
    os.sched_setaffinity(0, {int(core) for core in cores.split(",")})
    worker = Worker(name)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except UnsupportedByEngineError as reason:
            answer = {"unsupported": str(reason)}
        except Exception as error:  # whatever an engine raises is its result
            answer = {"error": f"{type(error).__name__}: {error}".strip()[:500]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
