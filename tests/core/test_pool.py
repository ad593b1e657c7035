"""The pool of threads by itself, also under ThreadSanitizer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from slim.core.compile import find_compiler
from slim.core.manifest import CORE

HERE = Path(__file__).parent
FLAGS = ["-O1", "-g", "-std=gnu11", "-pthread", f"-I{CORE}"]


def compiled(folder: Path, source: str, *flags: str) -> Path:
    program = folder / "program"
    sources = [HERE / source, CORE / "threads" / "pool.c", CORE / "base" / "tensor.c"]
    command = [*find_compiler(), *FLAGS, *flags, *map(str, sources), "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "tsan" in done.stderr:
        pytest.skip("this compiler comes without ThreadSanitizer's library")
    assert done.returncode == 0, done.stderr
    return program


@pytest.mark.parametrize("flags", [("-fsanitize=thread",), ("-O3",)], ids=["tsan", "plain"])
def test_every_task_runs_once_without_races(flags: tuple[str, ...], tmp_path: Path) -> None:
    program = compiled(tmp_path, "pool.c", *flags)
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


def test_short_runs_are_the_callers_alone_while_that_is_faster(tmp_path: Path) -> None:
    done = subprocess.run([str(compiled(tmp_path, "choice.c"))], capture_output=True, text=True, timeout=60, check=True)
    runs = {name: int(count) for name, count in (line.split() for line in done.stdout.splitlines())}
    assert 0 < runs["gain"] < 60, "of 3000 runs that threads make faster: only trials"
    assert runs["loss"] > 2300, "of 3000 that they make slower, after the 3000 before"
    assert runs["larger"] < 20, "of 300 when the network's input has grown"
    assert runs["long"] == 0, "a run of 0.9 ms is not short"
