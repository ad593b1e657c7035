"""The text of the single file: what compiles it, what it asks of the system, that it is always the same."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
from onnx import helper

from slim.amalgamate import build
from slim.amalgamate.contents import Contents
from slim.amalgamate.network import Network, c_name, file_name
from slim.amalgamate.source import Origin, header_text, source_text
from slim.core.manifest import EXTENDS, ISAS, select
from slim.errors import CoreError, SlimError
from slim.lower import lower
from slim.runtime import TensorInfo
from tests.amalgamate.folders import WARNINGS, float_program, int8_program, mixed_program, need, with_isas
from tests.nets import net

COMPILERS = {
    "gcc": ["gcc", "-std=gnu11"],
    "clang": ["clang", "-std=gnu11"],
    "g++": ["g++", "-x", "c++", "-std=gnu++17"],
}
LIBC = {
    "aligned_alloc",
    "madvise",
    "malloc",
    "free",
    "memcpy",
    "memmove",
    "memset",
    "fopen",
    "fclose",
    "fread",
    "fseek",
    "ftell",
    "getauxval",
}
THREADS = {"clock_gettime", "sched_yield", "sysconf"}  # and pthread_...
LIBM = {"expf", "logf", "powf", "sinf", "cosf", "tanhf", "erff", "sqrtf", "floorf", "ceilf", "rintf", "roundf", "fmodf"}


def _object(folder: Path, name: str, *flags: str, compiler: str = "gcc") -> Path:
    command = [*COMPILERS[compiler], *WARNINGS, *flags, "-c", f"{name}.c", "-o", f"{name}.o"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / f"{name}.o"


def _symbols(path: Path, *options: str) -> set[str]:
    lines = subprocess.run(["nm", *options, path], check=True, capture_output=True, text=True).stdout.splitlines()
    return {line.split()[-1].split("@")[0] for line in lines if line.strip()}


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_compiles_without_a_warning_and_alone(compiler, small, tmp_path):
    need(compiler)
    build(mixed_program(), name="net", target="x86-64-linux", out=tmp_path, embed=True, small=small)
    (tmp_path / "net.h").unlink()
    undefined = _symbols(_object(tmp_path, "net", "-O3", compiler=compiler), "-u")
    threads = {symbol for symbol in undefined if symbol.startswith("pthread_")} | THREADS
    assert undefined <= LIBC | LIBM | threads, undefined - LIBC - LIBM - threads


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_every_operator_together_is_valid_c_and_cpp(compiler, small, tmp_path):
    need(compiler)
    array = TensorInfo("x", (1,), np.dtype(np.float32))
    network = Network("all", Contents(select(), (array,), (array,), 0), embedded=False)
    (tmp_path / "all.c").write_text(source_text(network, ISAS["x86_64"], "x86_64", b"", Origin("", ""), small=small))
    _object(tmp_path, "all", "-fsyntax-only", compiler=compiler)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_example_compiles_without_a_warning(compiler, tmp_path):
    need(compiler)
    build(int8_program(), name="a net", out=tmp_path)
    _object(tmp_path, "example", "-O2", compiler=compiler)


def test_without_threads_there_is_no_pthread(tmp_path):
    need("gcc")
    build(float_program(), name="net", target="generic", out=tmp_path)
    undefined = _symbols(_object(tmp_path, "net", "-O0", "-DSLIM_THREADS=0"), "-u")
    assert undefined <= LIBC | LIBM


def test_private_files_show_only_their_own_functions(tmp_path):
    need("gcc")
    for name, program in (("first", float_program()), ("second", int8_program())):
        build(program, name=name, target="generic", out=tmp_path)
        shown = _symbols(_object(tmp_path, name, "-O0", "-DSLIM_PRIVATE"), "-g", "--defined-only")
        assert shown == {f"{name}_{word}" for word in ("open_file", "open_bytes", "run", "error", "close")}
    (tmp_path / "both.c").write_text(
        '#include "first.h"\n#include "second.h"\nint main(void) { first_net a; second_net b;\n'
        'int bad = first_open_file(&a, "first.slim", 1) || second_open_file(&b, "second.slim", 2);\n'
        "first_close(&a); second_close(&b); return bad; }\n"
    )
    subprocess.run(["gcc", "both.c", "first.o", "second.o", "-lm", "-lpthread", "-o", "both"], cwd=tmp_path, check=True)
    subprocess.run(["./both"], cwd=tmp_path, check=True, timeout=60)


@pytest.mark.parametrize("embed", [False, True])
def test_two_builds_are_the_same_bytes(embed, tmp_path):
    for folder in ("one", "two"):
        build(int8_program(), name="net", out=tmp_path / folder, embed=embed, model_sha256="ab" * 32)
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()} for folder in ("one", "two"))
    assert one == two
    assert (f"{'net.slim' in one}", len(one)) == (f"{not embed}", 5 if embed else 6)
    assert str(tmp_path).encode() not in b"".join(one.values())


def test_floats_need_no_instruction_set_for_bytes(tmp_path):
    result = build(float_program(), name="net", target="x86-64-linux", out=tmp_path)
    assert "avx2" in result.isas
    assert "avxvnni" not in result.isas
    assert "SLIM_HAS_ISA_AVXVNNI 1" not in result.paths["source"].read_text()


def test_only_the_programs_operators_are_in_it(tmp_path):
    result = build(int8_program(), name="net", target="x86-64-linux", out=tmp_path)
    text = result.paths["source"].read_text()
    inside = set(re.findall(r"Begin file ops/(\w+)\.c", text))
    assert set(result.operators) <= inside
    assert "conv_f32" not in inside
    assert "gemm_f32" not in result.kernels
    assert text.count("Begin file kernels/gemm_u8.c") == len(ISAS["x86_64"])
    assert text.count("Begin file kernels/mean_u8.c") == len(ISAS["x86_64"]) - len(EXTENDS)  # shared
    assert text.count("Begin file base/internal.h") == 1
    assert '#include "' not in text


def _depthwise_program(side, dilation=1):
    pad = side // 2 * dilation
    node = helper.make_node("Conv", ["x", "w"], ["y"], group=20, pads=[pad] * 4, dilations=[dilation] * 2)
    weights = np.ones((20, 1, side, side), np.float32)
    return bytes(lower(ir.from_proto(net([node], {"x": (1, 20, 11, 9)}, ["y"], {"w": weights}))))


@pytest.mark.parametrize(("side", "there"), [(3, (0, 0)), (5, (1, 0)), (4, (0, 1))])
def test_kernels_that_no_operator_reaches_are_left_out(side, there, tmp_path):
    result = build(_depthwise_program(side), name="net", target=with_isas("x86-64-linux", "avx2"), out=tmp_path)
    text = result.paths["source"].read_text()
    need("gcc")
    shown = _symbols(_object(tmp_path, "net", "-O0"))
    for part, kernel, present in zip(("5", "any"), ("5_1_", "any_"), there, strict=True):
        assert f"#define SLIM_HAS_DEPTHWISE_{part.upper()} {present}\n" in text
        assert any(word.startswith(f"slim_depthwise_f32_{kernel}") for word in shown) == bool(present)
    assert any(word.startswith("slim_depthwise_f32_3_1_") for word in shown)


@pytest.mark.parametrize(("operator", "kernel", "largest", "three"), [
    ("AveragePool", 2, 0, 0), ("AveragePool", 3, 0, 1), ("MaxPool", 3, 1, 0),
])  # fmt: skip
def test_poolings_that_no_operator_reaches_are_left_out(operator, kernel, largest, three, tmp_path):
    node = helper.make_node(operator, ["x"], ["y"], kernel_shape=[kernel] * 2)
    program = bytes(lower(ir.from_proto(net([node], {"x": (1, 20, 11, 9)}, ["y"], {}))))
    result = build(program, name="net", target=with_isas("x86-64-linux", "avx2"), out=tmp_path)
    text = result.paths["source"].read_text()
    assert f"#define SLIM_HAS_POOL_LARGEST {largest}\n#define SLIM_HAS_POOL_THREE {three}\n" in text
    need("gcc")
    _object(tmp_path, "net", "-O1")


_OPEN = r"""
#include "net.h"
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    slim_model model;
    slim_session *session = NULL;
    slim_options options = {1, SLIM_ISA_AUTO};
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        char *bytes = (char *)aligned_alloc(64, 1 << 20);
        size_t size = fread(bytes, 1, 1 << 20, file);
        fclose(file);
        int status = (int)slim_model_open(&model, bytes, size);
        printf("%d\n", status ? -status : (int)slim_session_create(&session, &model, &options));
    }
    return 0;
}
"""


def _pointwise_program(side):
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    weights = {"w": np.ones((12, 20, side, side), np.float32)}
    return bytes(lower(ir.from_proto(net([node], {"x": (1, 20, 11, 9)}, ["y"], weights))))


@pytest.mark.parametrize(("program", "other", "part"), [
    (_depthwise_program(3), _depthwise_program(3, 2), "DEPTHWISE_ANY"),
    (_pointwise_program(1), _pointwise_program(2), "CONV_WINDOWS"),
])  # fmt: skip
def test_a_file_without_a_kernel_refuses_programs_that_need_it(program, other, part, tmp_path):
    need("gcc")
    result = build(program, name="net", target=with_isas("x86-64-linux", "plain"), out=tmp_path)
    assert f"#define SLIM_HAS_{part} 0\n" in result.paths["source"].read_text()
    (tmp_path / "open.c").write_text(_OPEN)
    (tmp_path / "other.slim").write_bytes(other)
    subprocess.run(["gcc", "-O1", "open.c", "net.c", "-o", "open", "-lm", "-lpthread"], cwd=tmp_path, check=True)
    said = subprocess.run(
        ["./open", "net.slim", "other.slim"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert said.stdout.split() == ["0", "5"]  # SLIM_OK, SLIM_NO_OPERATOR


def test_the_head_says_what_it_is(tmp_path):
    result = build(int8_program(), name="net", target="rpi3", out=tmp_path, model_sha256="cd" * 32)
    head = result.paths["source"].read_text().split("*/")[0]
    for word in (
        "cd" * 32,
        "conv_u8",
        "gemm_u8",
        "neon",
        "Apache-2.0",
        "x float32 [1, 3, 11, 9]",
        str(result.arena_bytes),
    ):
        assert word in head


def test_header_has_shapes_as_constants():
    array = TensorInfo('a "b"?', (1, 5, 2), np.dtype(np.uint8), 0.5, 3)
    text = header_text(Network("My-Net 1", Contents(select(["reshape"]), (array,), (array,), 64), embedded=True))
    assert '#define MY_NET_1_INPUT_0_NAME "a \\042b\\042\\077"' in text
    assert "#define MY_NET_1_INPUT_0_DIMS {1, 5, 2}" in text
    assert "#define MY_NET_1_OUTPUT_0_BYTES 10ul" in text
    assert "#define MY_NET_1_OUTPUT_0_SCALE 0.5f" in text
    assert "slim_status my_net_1_run(my_net_1_net *net, const uint8_t *input_0, uint8_t *output_0);" in text


@pytest.mark.parametrize(
    ("name", "file", "word"),
    [("squeezenet-v1.0", "squeezenet-v1.0", "squeezenet_v1_0"), ("a b/c", "a-b-c", "a_b_c"), ("3d", "3d", "model_3d"),
     ("slim", "slim", "model_slim"), ("../x", "x", "x"), ("mödel", "model", "model"),
     ("網", "model", "model"), ("Example", "Example-model", "example_model")],  # example.c is the file that runs it
)  # fmt: skip
def test_names_fit_files_and_c(name, file, word):
    assert (file_name(name), c_name(file_name(name))) == (file, word)


def test_a_failed_build_leaves_nothing(tmp_path):
    with pytest.raises(CoreError):
        build(b"SLIM" + bytes(200), name="net", out=tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    with pytest.raises(SlimError, match="file"):
        build(float_program(), name="net", out=tmp_path / "file")
    broken = replace(with_isas("x86-64-linux", "avx2"), flags=("--no-such-flag",))
    with pytest.raises(SlimError, match="the compiler failed"):
        build(float_program(), name="net", target=broken, out=tmp_path / "new", compile=True)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
