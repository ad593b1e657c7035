"""Random networks (networks.py) through the whole core: under sanitizers, on other processors, in WebAssembly; and on
this one, where every kernel must have been called. A kernel that none of them reaches needs a network that does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slim.core.compile import processor_family
from tests.kernels.build import CORE, EVEX, FAMILIES, HERE, ISAS, NUMBERS, compiler
from tests.kernels.bundle import build_cases, bundle, replay

EACH = 12  # networks of a kind


def check(command: list[str], isa: str, folder: Path) -> str:
    """What the program prints after the number of cases; "not here" where the processor lacks the instruction set."""
    done = replay(command, NUMBERS[isa], folder, bundle(EACH))
    if done.returncode == 3:
        return "not here"
    assert done.returncode == 0, f"{isa}: {done.stdout}{done.stderr[:3000]}"
    first, *rest = done.stdout.splitlines()
    assert first == f"{int.from_bytes(bundle(EACH)[:4], 'little')} cases"
    return " ".join(rest)


def test_nothing_is_read_or_written_outside(tmp_path: Path) -> None:
    flags = ["-O1", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    program = build_cases(tmp_path, processor_family(), [compiler("gcc"), EVEX, *flags], ["-lpthread"])
    for isa in ISAS:
        check([str(program)], isa, tmp_path)


def test_every_kernel_is_reached_on_every_instruction_set(tmp_path: Path) -> None:
    if processor_family() != "x86_64":
        pytest.skip("calls are counted on x86-64")
    command = [compiler("gcc"), EVEX, "-O2", "-DCOUNT_CALLS"]
    program = build_cases(tmp_path, "x86_64", command, ["-lpthread", "-Wl,--wrap=slim_find_kernels"])
    names = re.findall(r"^    \w+ \(\*(\w+)\)\(", (CORE / "kernels" / "kernels.h").read_text(), re.MULTILINE)
    assert "gemm_f32" in names
    for isa in ISAS:
        said = check([str(program)], isa, tmp_path)
        missed = [names[int(index)] for index in said.split()] if said != "not here" else []
        if "avx512_bf16" not in Path("/proc/cpuinfo").read_text():
            missed = [name for name in missed if name not in ("gemm_bf16", "round_bf16")]
        assert not missed, f"no network in tests/kernels/networks.py reaches {missed} on {isa}"


@pytest.mark.parametrize(
    ("family", "cc", "emulator", "cpus"),
    [
        ("aarch64", "aarch64-linux-gnu-gcc", "qemu-aarch64", {"neon": "cortex-a53", "neondot": "neoverse-n1"}),
        ("armv7", "arm-linux-gnueabihf-gcc", "qemu-arm", {"plain": "cortex-a7", "neon": "cortex-a7"}),
    ],
)
def test_arm(tmp_path: Path, family: str, cc: str, emulator: str, cpus: dict[str, str]) -> None:
    program = build_cases(tmp_path, family, [compiler(cc), "-O2", "-static"], ["-lpthread"])
    for isa, cpu in cpus.items():
        assert check([compiler(emulator), "-cpu", cpu, str(program)], isa, tmp_path) == ""


def test_wasm(tmp_path: Path) -> None:
    compiler("wasm-ld")
    command = [compiler("clang"), "--target=wasm32-wasi", "-O2", "-msimd128"]
    program = build_cases(tmp_path, "wasm", command, ["-Wl,-z,stack-size=262144"], "cases.wasm")
    for isa in FAMILIES["wasm"]:
        assert check([compiler("node"), "--no-warnings", str(HERE / "wasi.mjs"), str(program)], isa, tmp_path) == ""
