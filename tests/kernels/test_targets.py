"""`compare.c` (see there) under sanitizers and on other processors; the kernels in other dialects of C."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from slim.core.manifest import EXTENDS
from tests.kernels.build import CORE, FAMILIES, HERE, ISAS, build, compare, compiler

COMPARE = HERE / "compare.c"


@pytest.mark.parametrize("small", [0, 1])
def test_nothing_is_read_or_written_outside(tmp_path: Path, small: int) -> None:
    command = [compiler("gcc"), "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command.append(f"-DSLIM_SMALL={small}")
    program = build(tmp_path, "compare", [COMPARE], ISAS, command)
    for isa in ISAS:
        result = compare([str(program)], isa, 150)
        assert result.returncode in (0, 3), result.stdout + result.stderr[:2000]  # 3: not on this processor


@pytest.mark.parametrize("small", [0, 1])
@pytest.mark.parametrize(
    ("family", "cc", "emulator", "cpus"),
    [
        ("aarch64", "aarch64-linux-gnu-gcc", "qemu-aarch64", {"neon": "cortex-a53", "neondot": "neoverse-n1"}),
        ("armv7", "arm-linux-gnueabihf-gcc", "qemu-arm", {"plain": "cortex-a7", "neon": "cortex-a7"}),
    ],
)
def test_arm(tmp_path: Path, family: str, cc: str, emulator: str, cpus: dict[str, str], small: int) -> None:
    command = [compiler(cc), "-O2", "-static", f"-DSLIM_SMALL={small}"]
    program = build(tmp_path, "compare", [COMPARE], FAMILIES[family], command)
    for isa, cpu in cpus.items():
        result = compare([compiler(emulator), "-cpu", cpu, str(program)], isa, 40)
        assert result.returncode == 0, result.stdout + result.stderr


def test_wasm(tmp_path: Path) -> None:
    compiler("wasm-ld")
    command = [compiler("clang"), "--target=wasm32-wasi", "-O2", "-msimd128"]
    program = build(tmp_path, "compare.wasm", [COMPARE], FAMILIES["wasm"], command)
    for isa in FAMILIES["wasm"]:
        result = compare([compiler("node"), "--no-warnings", str(HERE / "wasi.mjs"), str(program)], isa, 150)
        assert result.returncode == 0, result.stdout + result.stderr


def test_avx_vnni_is_encoded_as_the_processors_that_have_it_read_it(tmp_path: Path) -> None:
    """With a VEX prefix: C4, where AVX-512's would be 62."""
    if "avxvnni" not in ISAS:
        pytest.skip("this is another processor")
    for cc in ("gcc", "clang"):
        flags = ["-O2", "-DSLIM_HAS_ISA_AVXVNNI=1", f"-I{CORE}"]
        unit = [str(CORE / "isa" / "avxvnni.c"), "-o", str(tmp_path / "unit.o")]
        subprocess.run([compiler(cc), *flags, "-c", *unit], check=True)
        said = subprocess.run(["objdump", "-d", str(tmp_path / "unit.o")], check=True, capture_output=True, text=True)
        dots = [line.split("\t") for line in said.stdout.splitlines() if "vpdpbusd" in line or "vpdpwssd" in line]
        assert len(dots) > 40
        assert {code[:2] for _, code, _ in dots} == {"c4"}, cc
        assert all("ymm" in text for *_, text in dots), cc


def test_an_instruction_set_that_the_processor_lacks_is_refused(tmp_path: Path) -> None:
    program = build(
        tmp_path, "compare", [COMPARE], ("neon", "neondot"), [compiler("aarch64-linux-gnu-gcc"), "-O0", "-static"]
    )
    emulator = [compiler("qemu-aarch64"), "-cpu", "cortex-a53", str(program)]
    assert compare(emulator, "neondot", 1).stdout == "not here\n"


@pytest.mark.parametrize("small", [0, 1])
@pytest.mark.parametrize("dialect", [("clang", "-std=gnu11"), ("g++", "-std=gnu++17"), ("gcc", "-std=gnu11")])
def test_single_file_compiles_without_warnings(tmp_path: Path, dialect: tuple[str, str], small: int) -> None:
    """Every instruction set that shares no kernels in one translation unit, each forgetting its words for the next."""
    cc, standard = dialect
    isas = [isa for isa in ISAS if isa not in EXTENDS]
    text = f"#define SLIM_SINGLE_FILE 1\n#define SLIM_SMALL {small}\n" + "".join(
        f'#include "isa/{isa}.c"\n' for isa in (*isas, "select")
    )
    (tmp_path / "one.c").write_text(text)
    build_flags = ["-O1", "-Wall", "-Wextra", "-Werror", *(f"-DSLIM_HAS_ISA_{isa.upper()}=1" for isa in isas)]
    command = [compiler(cc), standard, *build_flags, f"-I{CORE}", "-c", "one.c", "-o", "one.o"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[:3000]
