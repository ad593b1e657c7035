"""Compiles the kernels of this machine's instruction sets for the tests: a library for ctypes, and `compare.c`.

The kernels come from `slim/core`, whose own selection header asks for all of them.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[2] / "slim" / "core"
HERE = Path(__file__).resolve().parent

# the numbers of slim_isa
NUMBERS = {"plain": 1, "avx2": 2, "avx512": 3, "avx512vnni": 4, "neon": 5, "neondot": 6, "wasm": 7, "avxvnni": 8}
FAMILIES = {
    "x86_64": ("plain", "avx2", "avxvnni", "avx512", "avx512vnni"),
    "aarch64": ("neon", "neondot"),
    "armv7": ("plain", "neon"),
    "wasm": ("plain", "wasm"),
}
ISAS = FAMILIES.get({"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine()), ("plain",))

EVEX = "-DSLIM_AVXVNNI_EVEX"
"""AVX-VNNI's kernels with the same instructions of AVX-512 VNNI, to run where there is that."""


def compiler(name: str) -> str:
    """The path of a compiler or emulator; skips the test where it is not installed, and fails it under CI."""
    path = shutil.which(name)
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is not installed")
    return path


def build(folder: Path, output: str, sources: list[Path], isas: tuple[str, ...], command: list[str]) -> Path:
    """Compile `sources` and the kernels of `isas` with `command` (compiler and options) to `folder / output`."""
    kernels = [CORE / "base" / "tensor.c", *(CORE / "isa" / f"{name}.c" for name in (*isas, "select"))]
    defines = [f"-DSLIM_HAS_ISA_{isa.upper()}=1" for isa in isas]
    warnings = ["-std=gnu11", "-Wall", "-Wextra", "-Werror"]
    target = folder / output
    files = [*map(str, sources), *map(str, kernels)]
    subprocess.run(
        [*command, EVEX, *warnings, *defines, f"-I{CORE}", *files, "-lm", "-o", str(target)],
        check=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    return target


def compare(command: list[str], isa: str, count: int, seed: int = 1) -> subprocess.CompletedProcess[str]:
    """Run `compare.c` (see there) for one instruction set."""
    return subprocess.run(
        [*command, str(NUMBERS[isa]), str(count), str(seed)], capture_output=True, text=True, timeout=120
    )
