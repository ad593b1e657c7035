"""The benchmark's side of the line protocol of `engines/serve.py`: one engine in one process on fixed processors.

Between two requests a worker is stopped by signal, so that no thread of an engine that waits by spinning takes time
from the engine whose turn it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.environments import CHECKOUT, ROOT, python_of

# the checkout comes after an environment's own packages, so that slim is the one that is installed there
SERVE = (
    "import runpy, sys; sys.path.append(sys.argv.pop(1)); "
    "runpy.run_module('benchmarks.engines.serve', run_name='__main__', alter_sys=True)"
)


class WorkerError(Exception):
    """What went wrong in an engine; `unsupported` where it said itself that it cannot."""

    def __init__(self, why: str, unsupported: bool = False) -> None:
        super().__init__(why)
        self.unsupported = unsupported


class Worker:
    """A process that serves one engine. Use as a context manager."""

    def __init__(
        self, engine: str, cores: Sequence[int], environment: str | None = None, log: Path | None = None
    ) -> None:
        self.engine = engine
        environment = environment or engine
        command = [str(python_of(environment)), "-P", "-c", SERVE, str(ROOT), engine]
        path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}" if environment == CHECKOUT else ""
        threads = {f"{name}_NUM_THREADS": str(len(cores)) for name in ("OMP", "MKL")}
        threads["OPENBLAS_NUM_THREADS"] = "1"  # NumPy's: they spin for a tenth of a second after its import
        self._log = open(log or os.devnull, "ab")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [*command, ",".join(map(str, cores))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=ROOT,
            start_new_session=True,  # so that whatever an engine starts can be ended with it
            env={**os.environ, **threads, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": path},
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, do: str, timeout: float = 900.0, **arguments: Any) -> dict[str, Any]:
        """One request and its answer; the process runs only meanwhile.

        Raises WorkerError when the engine fails, dies, or takes longer than `timeout` seconds."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.send_signal(signal.SIGCONT)
            process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            process.stdin.flush()
            with selectors.DefaultSelector() as selector:
                selector.register(process.stdout, selectors.EVENT_READ)
                if not selector.select(timeout):
                    self.close()
                    raise WorkerError(f"no answer to '{do}' in {timeout:.0f} s")
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerError(f"died during '{do}' with exit code {process.wait()}")
        process.send_signal(signal.SIGSTOP)
        answer: dict[str, Any] = json.loads(line)
        for key in ("error", "unsupported"):
            if key in answer:
                raise WorkerError(answer[key], key == "unsupported")
        return answer

    def close(self) -> None:
        """End the process and every process that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):  # what was not delivered is of no use any more
                    stream.close()
