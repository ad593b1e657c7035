"""The memory planner: random programs under sanitizers."""

from __future__ import annotations

import subprocess
from pathlib import Path

from slim.core.compile import find_compiler
from slim.core.manifest import CORE

HERE = Path(__file__).parent
FLAGS = ["-O1", "-g", "-std=gnu11", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", f"-I{CORE}"]


def test_what_lives_at_the_same_time_lies_apart(tmp_path: Path) -> None:
    program = tmp_path / "plan"
    subprocess.run([*find_compiler(), *FLAGS, str(HERE / "plan.c"), "-o", str(program)], check=True)
    done = subprocess.run([str(program), "1", "3000"], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert (
        float(done.stdout) < 1.3
    )  # of the lower bound, in the worst of 3000; tests/models/test_plan.py: real networks
