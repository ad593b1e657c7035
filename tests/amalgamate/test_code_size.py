"""`code_size` against `size` of files that are really compiled. After a change of the core, run
`python scripts/measure_code_size.py`."""

from __future__ import annotations

import subprocess

import pytest

from slim.amalgamate import build, code_size
from slim.errors import CoreError, SlimError
from tests.amalgamate.folders import float_program, int8_program, mixed_program, need, real_program, with_isas

COMPILERS = {
    "x86-64-linux": ["x86_64-linux-gnu-gcc"],
    "aarch64-linux": ["aarch64-linux-gnu-gcc"],
    "armv7-linux": ["arm-linux-gnueabihf-gcc", "-march=armv7-a", "-mfpu=neon-vfpv4", "-mfloat-abi=hard"],
}


def _size(program: bytes, target: str, isa: str, folder) -> int:
    """Bytes of text of a single file with one instruction set."""
    command = COMPILERS[target]
    need(command[0])
    build(program, name="net", target=with_isas(target, isa), out=folder)
    subprocess.run([*command, "-O3", "-std=gnu11", "-c", "net.c", "-o", "net.o"], cwd=folder, check=True)
    tool = command[0].replace("gcc", "size")
    said = subprocess.run([tool, "net.o"], cwd=folder, check=True, capture_output=True, text=True).stdout
    return int(said.splitlines()[1].split()[0])


@pytest.mark.parametrize(
    ("program", "target", "isa", "family"),
    [
        (float_program, "x86-64-linux", "plain", None),
        (int8_program, "x86-64-linux", "avx2", None),
        (mixed_program, "x86-64-linux", "avx512vnni", None),
        (mixed_program, "aarch64-linux", "neon", None),
        (int8_program, "armv7-linux", "neon", "armv7"),
    ],
)
def test_within_ten_percent_of_what_the_compiler_makes(program, target, isa, family, tmp_path):
    assert code_size(program(), isa, family=family) == pytest.approx(_size(program(), target, isa, tmp_path), rel=0.1)


def test_squeezenet_has_at_most_64_kib_of_code(tmp_path):
    program = real_program("squeezenet-v1.0")
    measured = _size(program, "x86-64-linux", "avx2", tmp_path)
    assert measured <= 64 * 1024
    assert code_size(program, "avx2") == pytest.approx(measured, rel=0.1)


def test_what_it_cannot_measure_is_said():
    with pytest.raises(SlimError, match="no instruction set 'sse9'"):
        code_size(float_program(), "sse9")
    with pytest.raises(CoreError):
        code_size(b"not a program", "avx2")
