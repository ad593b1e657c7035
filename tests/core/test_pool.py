"""The pool of threads under ThreadSanitizer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from slim.core.compile import find_compiler
from slim.core.manifest import CORE

HERE = Path(__file__).parent
FLAGS = ["-O1", "-g", "-std=gnu11", "-pthread", f"-I{CORE}"]


def compiled(folder: Path, *flags: str) -> Path:
    program = folder / "pool"
    sources = [HERE / "pool.c", CORE / "threads" / "pool.c", CORE / "base" / "tensor.c"]
    command = [*find_compiler(), *FLAGS, *flags, *map(str, sources), "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "tsan" in done.stderr:
        pytest.skip("this compiler comes without ThreadSanitizer's library")
    assert done.returncode == 0, done.stderr
    return program


@pytest.mark.parametrize("flags", [("-fsanitize=thread",), ("-O3",)], ids=["tsan", "plain"])
def test_every_task_runs_once_without_races(flags: tuple[str, ...], tmp_path: Path) -> None:
    program = compiled(tmp_path, *flags)
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")
