"""The compiled single file against the core in this process: integers bit for bit, floats within 1e-5."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from slim.amalgamate import build
from slim.core.compile import processor_family
from slim.core.manifest import EXTENDS, ISAS
from slim.errors import CoreError
from slim.runtime import ISAS as NUMBERS
from slim.runtime import Session, plan
from tests.amalgamate.folders import (
    feeds_of,
    float_program,
    mixed_program,
    need,
    read_outputs,
    real_program,
    write_inputs,
)
from tests.kernels.build import EVEX

X86 = ("x86_64-linux-gnu-gcc",)
AARCH64 = ("aarch64-linux-gnu-gcc", "-static")
ARMV7 = ("arm-linux-gnueabihf-gcc", "-march=armv7-a", "-mfpu=neon-vfpv4", "-mfloat-abi=hard", "-static")
SIZES = pytest.mark.parametrize("small", [False, True], ids=["default", "small"])


def _compiled(
    folder: Path, target: str, command: tuple[str, ...], program: bytes, small: bool = False
) -> dict[str, np.ndarray]:
    """A file with all instruction sets of the target, linked with a driver that asks for each; what it must say."""
    build(program, name="net", target=target, out=folder, small=small)
    shutil.copy(Path(__file__).with_name("each_isa.c"), folder)
    subprocess.run(
        [*command, EVEX, "-O3", "each_isa.c", "net.c", "-lm", "-lpthread", "-o", "each_isa"], cwd=folder, check=True
    )
    feeds = feeds_of(program)
    write_inputs(program, feeds, folder)
    return Session(program).run(feeds)


def _run_each(folder: Path, isas: list[str], runner: tuple[str, ...] = ()) -> None:
    """Also: what is planned here for each of them is what it takes there, or more than 32-bit processors take."""
    command = [*runner, "./each_isa", *(str(NUMBERS.index(isa)) for isa in isas)]
    said = subprocess.run(command, cwd=folder, check=True, timeout=120, stdout=subprocess.PIPE, text=True).stdout
    arenas = {isa: int(arena) for isa, arena in (line.split() for line in said.splitlines())}
    planned = {isa: plan(folder / "net.slim", isa=isa).arena_bytes for isa in isas}
    assert arenas == planned or (runner[:1] == ("qemu-arm",) and all(arenas[isa] <= planned[isa] for isa in isas))


def _assert_agrees(
    folder: Path, isas: list[str], expected: dict[str, np.ndarray], runner: tuple[str, ...] = ()
) -> None:
    _run_each(folder, isas, runner)
    for isa in isas:
        got = read_outputs(mixed_program(), folder, isa)
        np.testing.assert_array_equal(got["y"], expected["y"])
        np.testing.assert_array_equal(got["image"], expected["image"])
        np.testing.assert_allclose(got["probabilities"], expected["probabilities"], rtol=1e-5)


def _has(isa: str) -> bool:
    """avxvnni is compiled with EVEX: it runs where there is AVX-512 VNNI."""
    try:
        Session(mixed_program(), isa="avx512vnni" if isa == "avxvnni" else isa).close()
    except CoreError:
        return False
    return True


@SIZES
def test_each_instruction_set_of_x86(small, tmp_path):
    need(*X86)
    if processor_family() != "x86_64":
        pytest.skip("this is another processor")
    expected = _compiled(tmp_path, "x86-64-linux", X86, mixed_program(), small)
    _assert_agrees(tmp_path, [isa for isa in ISAS["x86_64"] if _has(isa)], expected)


@SIZES
def test_a_real_network_on_each_instruction_set_of_x86(small, tmp_path):
    need(*X86)
    if processor_family() != "x86_64":
        pytest.skip("this is another processor")
    program = real_program("resnet8-cifar10")
    (expected,) = _compiled(tmp_path, "x86-64-linux", X86, program, small).values()
    isas = [isa for isa in ISAS["x86_64"] if isa not in EXTENDS and _has(isa)]  # those add nothing for floats
    _run_each(tmp_path, isas)
    for isa in isas:
        (got,) = read_outputs(program, tmp_path, isa).values()
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5 * np.ptp(expected))


def test_bf16_on_each_instruction_set_of_x86(tmp_path):
    need(*X86)
    if processor_family() != "x86_64":
        pytest.skip("this is another processor")
    program = real_program("resnet8-cifar10", arithmetic="bf16")
    (expected,) = _compiled(tmp_path, "x86-64-linux", X86, program).values()
    isas = [isa for isa in ISAS["x86_64"] if isa not in EXTENDS and _has(isa)]  # those add nothing for floats
    _run_each(tmp_path, isas)
    for isa in isas:  # what differs in its last bits may be rounded to other bf16 numbers by the next layer
        (got,) = read_outputs(program, tmp_path, isa).values()
        np.testing.assert_allclose(got, expected, rtol=0, atol=2e-3 * np.ptp(expected))


@SIZES
def test_each_instruction_set_of_aarch64(small, tmp_path):
    need(AARCH64[0], "qemu-aarch64")
    expected = _compiled(tmp_path, "aarch64-linux", AARCH64, mixed_program(), small)
    _assert_agrees(tmp_path, ["neon"], expected, ("qemu-aarch64", "-cpu", "cortex-a53"))
    _assert_agrees(tmp_path, ["neon", "neondot"], expected, ("qemu-aarch64", "-cpu", "neoverse-n1"))


@SIZES
def test_each_instruction_set_of_armv7(small, tmp_path):
    need(ARMV7[0], "qemu-arm")
    expected = _compiled(tmp_path, "armv7-linux", ARMV7, mixed_program(), small)
    _assert_agrees(tmp_path, ["plain", "neon"], expected, ("qemu-arm", "-cpu", "cortex-a7"))


@SIZES
@pytest.mark.parametrize(
    ("target", "command", "isas", "runner"),
    [
        ("x86-64-linux", X86, ["plain", "avx2", "avxvnni", "avx512", "avx512vnni"], ()),
        ("aarch64-linux", AARCH64, ["neon"], ("qemu-aarch64", "-cpu", "cortex-a53")),
        ("aarch64-linux", AARCH64, ["neondot"], ("qemu-aarch64", "-cpu", "neoverse-n1")),
        ("armv7-linux", ARMV7, ["plain", "neon"], ("qemu-arm", "-cpu", "cortex-a7")),
    ],
    ids=["x86-64", "aarch64", "aarch64-dot", "armv7"],
)
def test_a_real_integer_network_gives_the_same_bits_everywhere(
    tmp_path: Path, small: bool, target: str, command: tuple[str, ...], isas: list[str], runner: tuple[str, ...]
) -> None:
    need(command[0], *runner[:1])
    isas = isas if runner else [isa for isa in isas if _has(isa)]
    program = real_program("shufflenet-v2-int8")
    (expected,) = _compiled(tmp_path, target, command, program, small).values()
    _run_each(tmp_path, isas, runner)
    for isa in isas:
        (got,) = read_outputs(program, tmp_path, isa).values()
        np.testing.assert_array_equal(got, expected)


def test_compiled_for_another_machine_it_chooses_when_it_runs(tmp_path):
    need("qemu-aarch64")
    result = build(float_program(), name="net", target="aarch64-linux", out=tmp_path, embed=True, compile=True)
    assert {path.name for path in result.paths.values()} >= {"libnet.a", "example"}
    (name,) = write_inputs(float_program(), feeds_of(float_program()), tmp_path)
    for cpu, isa in (("cortex-a53", "neon"), ("neoverse-n1", "neondot")):
        command = ["qemu-aarch64", "-cpu", cpu, "./example", "--save", "out", name]
        said = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=120).stdout
        assert said.startswith(f"{isa} kernels")
        expected = Session(float_program()).run(feeds_of(float_program()))["probabilities"]
        got = read_outputs(float_program(), tmp_path, "out")["probabilities"]
        np.testing.assert_allclose(got, expected, rtol=1e-5)
        assert f"[{expected.argmax()}]" in said


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder for any processor in which `make` has run."""
    need("make", "cc")
    folder = tmp_path_factory.mktemp("made")
    build(mixed_program(), name="net", target="generic", out=folder)
    subprocess.run(["make", "-s"], cwd=folder, check=True, timeout=120)
    return folder


def test_the_makefile_runs_the_example(made):
    done = subprocess.run(["make", "-s", "run"], cwd=made, check=True, capture_output=True, text=True, timeout=120)
    assert "probabilities: 11 values, the largest:" in done.stdout
    assert "y: 10 values" in done.stdout


def test_threads_change_no_bit(made):
    (name,) = write_inputs(mixed_program(), feeds_of(mixed_program()), made)
    for threads in ("1", "2", "3"):
        command = ["./example", "--threads", threads, "--save", f"t{threads}_", name]
        subprocess.run(command, cwd=made, check=True, capture_output=True, timeout=60)
        for index in range(3):
            assert (made / f"t{threads}_{index}.bin").read_bytes() == (made / f"t1_{index}.bin").read_bytes()


def test_the_example_names_what_is_wrong(made, tmp_path):
    for name in ("example", "net.slim"):
        shutil.copy(made / name, tmp_path)
    (tmp_path / "short.bin").write_bytes(b"123")

    def said(*arguments: str) -> str:
        command = ["./example", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1
        return done.stderr

    assert "short.bin: cannot be read, or has another size than the input" in said("short.bin")
    assert "usage" in said("--nonsense")
    program = tmp_path / "net.slim"
    program.write_bytes(program.read_bytes()[:-1])
    assert "the program is truncated" in said()
    program.unlink()
    assert "the file cannot be opened" in said()
