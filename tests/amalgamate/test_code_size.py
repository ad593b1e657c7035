"""`code_size` against `size` of files that are really compiled. After a change of the core, run
`python scripts/measure_code_size.py`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

import slim
from slim.amalgamate import build, code_size, load_target
from slim.amalgamate.contents import Contents, program_selection
from slim.amalgamate.network import Network
from slim.amalgamate.source import Origin, source_text
from slim.core.manifest import ISAS, Selection, select
from slim.errors import CoreError, SlimError
from slim.lower import lower
from slim.runtime import TensorInfo
from tests.amalgamate.folders import float_program, int8_program, mixed_program, need, real_program, with_isas
from tests.data import data_path

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
        (mixed_program, "x86-64-linux", "avxvnni", None),
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


def _selected_size(
    operators: set[str],
    without: frozenset[str],
    isas: tuple[str, ...],
    folder: Path,
    flags: tuple[str, ...] = (),
    *,
    small: bool = False,
) -> int:
    """Bytes of text of a single file of these operators, compiled with `flags` or as `slim build --compile` does."""
    target = "x86-64-linux" if isas[0] in ISAS["x86_64"] else "aarch64-linux"
    family, command = load_target(target).family, COMPILERS[target][0]
    need(command)
    array = TensorInfo("x", (1,), np.dtype(np.float32))
    network = Network("net", Contents(select(operators, without), (array,), (array,), 0), embedded=False)
    (folder / "net.c").write_text(source_text(network, isas, family, b"", Origin("", ""), small=small))
    flags = flags or load_target(target).flags
    subprocess.run([command, *flags, "-c", "net.c", "-o", "net.o"], cwd=folder, check=True)
    tool = command.replace("gcc", "size")
    said = subprocess.run([tool, "net.o"], cwd=folder, check=True, capture_output=True, text=True).stdout
    return int(said.splitlines()[1].split()[0])


@pytest.fixture(scope="module")
def mobilenet_v2() -> tuple[Selection, Selection]:
    """What MobileNetV2 needs in floats, and in bytes."""
    model = slim.load(data_path("models", "mobilenet-v2", "model.onnx"))
    sample = {"data": np.random.default_rng(1).normal(size=(1, 3, 224, 224)).astype(np.float32)}
    smaller, _ = slim.quantize(model, [sample])
    floats, integers = (program_selection(lower(network)) for network in (slim.simplify(model)[0], smaller))
    assert {op.name for op in integers.operators} > {"conv_u8", "depthwise_u8", "dense_u8"}
    assert {"slide_u8", "winograd_u8", "depthwise_5", "depthwise_any", "pool_three"} < floats.without & integers.without
    return floats, integers


def _names(*selections: Selection) -> set[str]:
    return {op.name for selection in selections for op in selection.operators}


def test_mobilenet_v2_in_floats_and_bytes_has_at_most_150_kib_of_code(mobilenet_v2, tmp_path):
    """The operators of both with AVX2 and AVX-512 VNNI, with gcc -O3 too; at most 64 KiB with AVX2 or none alone, and
    for each of them with AVX-512."""
    floats, integers = mobilenet_v2
    both = ("avx2", "avx512vnni")
    operators, without = _names(*mobilenet_v2), floats.without & integers.without
    assert _selected_size(operators, without, both, tmp_path) <= 150 * 1024
    assert _selected_size(operators, without, both, tmp_path, ("-O3", "-std=gnu11")) <= 150 * 1024
    for isa in ("plain", "avx2"):
        assert _selected_size(operators, without, (isa,), tmp_path) <= 64 * 1024
    for isa in ("avx512", "avx512vnni"):
        assert _selected_size(_names(floats), floats.without, (isa,), tmp_path) <= 64 * 1024
    assert _selected_size(_names(integers), integers.without, ("avx512vnni",), tmp_path) <= 64 * 1024


@pytest.mark.parametrize("isa", [*ISAS["x86_64"], *ISAS["aarch64"]])
def test_a_small_mobilenet_v2_in_floats_and_bytes_has_at_most_64_kib_of_code(isa, mobilenet_v2, tmp_path):
    """`slim build --optimize size`: the operators of both with any one instruction set."""
    without = mobilenet_v2[0].without & mobilenet_v2[1].without
    small = _selected_size(_names(*mobilenet_v2), without, (isa,), tmp_path, small=True)
    assert small <= 64 * 1024
    assert small <= 0.91 * _selected_size(_names(*mobilenet_v2), without, (isa,), tmp_path)


def test_what_it_cannot_measure_is_said():
    with pytest.raises(SlimError, match="no instruction set 'sse9'"):
        code_size(float_program(), "sse9")
    with pytest.raises(CoreError):
        code_size(b"not a program", "avx2")
