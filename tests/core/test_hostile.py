"""Reader, planner and operators under ASan and UBSan, on programs that were broken in thousands of places."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
from onnx import helper

from slim.core.compile import find_compiler, processor_family
from slim.core.manifest import CORE, library_units
from slim.core.operators import OPERATORS
from slim.lower import ProgramBuilder, lower
from tests.nets import net

HERE = Path(__file__).parent
PLACES = 2000
rng = np.random.default_rng(11)


FLAGS = [
    "-O1", "-g", "-std=gnu11", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", f"-I{CORE}", "-pthread",
]  # fmt: skip


@pytest.fixture(scope="module")
def core_objects(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The whole core, compiled with the sanitizers."""
    folder = tmp_path_factory.mktemp("sanitized")

    def compile_one(number: int, source: Path, defines: tuple[str, ...]) -> str:
        out = folder / f"{number}.o"
        switches = [f"-D{define}" for define in defines]
        subprocess.run([*find_compiler(), *FLAGS, *switches, "-c", str(source), "-o", str(out)], check=True)
        return str(out)

    units = [(i, CORE / unit.source, unit.defines) for i, unit in enumerate(library_units(processor_family()))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda unit: compile_one(*unit), units))


def link(driver: str, objects: list[str], folder: Path, *flags: str) -> Path:
    """A driver of this folder with the core."""
    program = folder / driver.removesuffix(".c")
    command = [*find_compiler(), *FLAGS, str(HERE / driver), *objects, *flags, "-o", str(program), "-lm"]
    subprocess.run(command, check=True)
    return program


def float_program() -> bytes:
    """Convolutions of every kind, pools, a shuffle, broadcasting, a softmax."""

    def weights(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1], strides=[2, 2], name="first"),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], pads=[1, 1, 1, 1], group=8, name="depthwise"),
        helper.make_node("Conv", ["r1", "w3"], ["c3"], group=2, name="grouped"),
        helper.make_node("Concat", ["c2", "c3"], ["j"], axis=1),
        helper.make_node("MaxPool", ["j"], ["p"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Reshape", ["p", "split"], ["s"]),
        helper.make_node("Transpose", ["s"], ["t"], perm=[0, 2, 1, 3, 4]),
        helper.make_node("Reshape", ["t", "merge"], ["m"]),
        helper.make_node("Mul", ["m", "k"], ["q"]),
        helper.make_node("Sigmoid", ["q"], ["g"]),
        helper.make_node("GlobalAveragePool", ["g"], ["a"]),
        helper.make_node("Flatten", ["a"], ["f"]),
        helper.make_node("Gemm", ["f", "d", "e"], ["l"], transB=1),
        helper.make_node("Softmax", ["l"], ["y"]),
    ]
    constants = {
        "w1": weights(8, 3, 3, 3), "b1": weights(8), "w2": weights(8, 1, 3, 3), "w3": weights(8, 4, 1, 1),
        "k": weights(16, 1, 1),
        "d": weights(5, 16), "e": weights(5), "split": np.array([1, 2, 8, 5, 5]), "merge": np.array([1, 16, 5, 5]),
    }  # fmt: skip
    return bytes(lower(ir.from_proto(net(nodes, {"x": (1, 3, 9, 9)}, ["y"], constants))))


def bottleneck_program() -> bytes:
    """Expansion, depthwise and projection with a residual, as one operator."""
    from slim.core.format import Type
    from slim.lower import panels

    def weights(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    b = ProgramBuilder("bottleneck")
    names = [attribute.name for attribute in OPERATORS["bottleneck_f32"].attributes]
    values = [3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 20, 5, 0.0, 6.0, 0.0, 6.0, -1e9, 1e9]
    x = b.input("x", Type.F32, (1, 9, 7, 5))
    filters = (panels.gemm_f32(weights(20, 5)), panels.depthwise(weights(20, 9)), panels.gemm_f32(weights(5, 20)))
    constants = [b.constant(a) for f in filters for a in (f, weights(16 * f.shape[0]))]
    return bytes(
        b.finish([b.operator("bottleneck_f32", [x, *constants, x], Type.F32, dict(zip(names, values, strict=True)))])
    )


def stem_program() -> bytes:
    """A first convolution, depthwise and projection, as one operator."""
    from slim.core.format import Type
    from slim.lower import panels

    def weights(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    b = ProgramBuilder("stem")
    names = [attribute.name for attribute in OPERATORS["stem_f32"].attributes]
    values = [3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 20, 5, 0.0, 6.0, 0.0, 6.0, -1e9, 1e9, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1]
    x = b.input("x", Type.F32, (2, 3, 17, 15))
    filters = (panels.gemm_f32(weights(20, 27)), panels.depthwise(weights(20, 9)), panels.gemm_f32(weights(5, 20)))
    constants = [b.constant(a) for f in filters for a in (f, weights(16 * f.shape[0]))]
    return bytes(b.finish([b.operator("stem_f32", [x, *constants], Type.F32, dict(zip(names, values, strict=True)))]))


def bf16_program() -> bytes:
    """A convolution with a residual, one with a stride, and a dense layer, in bf16."""
    from slim.core.format import Type
    from slim.lower import panels

    b = ProgramBuilder("bf16")
    names = [attribute.name for attribute in OPERATORS["conv_bf16"].attributes]
    x = b.input("x", Type.F32, (2, 9, 7, 5))

    def layer(kind: str, inputs: list[int], outputs: int, taps: int, channels: int, *window: int) -> int:
        packed = panels.gemm_bf16(rng.normal(size=(outputs, taps, channels)).astype(np.float32))
        assert packed is not None
        constants = [b.constant(packed), b.constant(np.ones(16 * packed.shape[0], np.float32))]
        attributes = dict(zip(names[-3 - len(window) :], [*window, outputs, -1e9, 1e9], strict=True))
        return b.operator(kind, [inputs[0], *constants, *inputs[1:]], Type.F32, attributes)

    first = layer("conv_bf16", [x, x], 5, 9, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1)
    second = layer("conv_bf16", [first], 20, 6, 5, 3, 2, 2, 3, 1, 2, 1, 0, 2, 1)
    return bytes(b.finish([layer("dense_bf16", [second], 7, 1, 20)]))


def integer_program() -> bytes:
    """Quantized convolutions, depthwise, addition, lookup, pooling and dense."""
    b = ProgramBuilder("integers")
    from slim.core.format import Type
    from slim.lower import panels

    def window(kernel: int, pad: int) -> dict[str, int | float]:
        names = [attribute.name for attribute in OPERATORS["max_pool"].attributes]
        return dict(zip(names, [kernel] * 2 + [1] * 4 + [pad] * 4, strict=True))

    def table(count: int) -> np.ndarray:
        return panels.channels(np.arange(count), np.arange(count), np.full(count, 0.01))

    def u8(kind: str, inputs: list[int], attributes: dict[str, int | float]) -> int:
        return b.operator(kind, inputs, Type.U8, attributes, name=kind, scale=0.1, zero_point=3)

    x = b.input("x", Type.F32, (1, 6, 6, 5))
    q = u8("quantize", [x], {})
    w = b.constant(panels.gemm_u8(rng.integers(-127, 128, (20, 9, 5)).astype(np.int8)))
    bounds: dict[str, int | float] = {"lo": 0, "hi": 255}
    floats: dict[str, int | float] = {**bounds, "flo": 0.0, "fhi": 0.0}
    c = u8("conv_u8", [q, w, b.constant(table(20))], {**window(3, 1), "groups": 1, "out_channels": 20, **floats})
    dw = b.constant(panels.depthwise(rng.integers(-127, 128, (20, 9)).astype(np.int8)))
    d = u8("depthwise_u8", [c, dw, b.constant(table(20))], {**window(3, 1), **bounds})
    s = u8("add_u8", [c, d], {"multiplier_a": 1 << 20, "multiplier_b": 1 << 19, "scale": 2.0**-20, **bounds})
    t = u8("lookup_u8", [s, b.constant(np.arange(256, dtype=np.uint8)[::-1].copy())], {})
    m = u8("mul_u8", [t, s], {"scale": 0.01, **bounds})
    pool = {**window(0, 0), "count_include_pad": 0, "extra_bottom": 0, "extra_right": 0, "scale": 1.0, **bounds}
    pool |= dict.fromkeys(("stride_h", "stride_w", "dilation_h", "dilation_w"), 1)
    a = u8("average_pool_u8", [m], pool)
    r = u8("requantize", [a], {})
    dense = b.constant(panels.gemm_u8(rng.integers(-127, 128, (7, 1, 20)).astype(np.int8)))
    y = b.operator(
        "dense_u8", [r, dense, b.constant(table(7))], Type.F32, {"out_channels": 7, **bounds, "flo": -1e9, "fhi": 1e9}
    )
    z = b.operator("dequantize", [s], Type.F32)
    planes = b.input("planes", Type.U8, (1, 3, 6, 6), scale=0.1, zero_point=3)
    filters = [panels.image_u8(rng.integers(-127, 128, (20, 3, 3, 3)).astype(np.int8)), table(20)]
    of_image = {**window(3, 1), "out_channels": 20, **floats, "image_scale": 0.1, "image_zero_point": 3}
    i = u8("conv_image_u8", [planes, *map(b.constant, filters)], of_image)
    real = b.input("real", Type.F32, (1, 3, 6, 6))
    j = u8("conv_image_u8", [real, *map(b.constant, filters)], of_image)
    return bytes(b.finish([y, z, i, j]))


@pytest.mark.parametrize("make", [float_program, bottleneck_program, stem_program, bf16_program, integer_program])
def test_a_broken_program_is_refused_or_runs(
    core_objects: list[str], tmp_path: Path, make: Callable[[], bytes]
) -> None:
    path = tmp_path / "program.slim"
    path.write_bytes(make())
    command = [str(link("hostile.c", core_objects, tmp_path)), str(path), str(PLACES), "1"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr[-4000:]
    refused, _, ran, _ = result.stdout.replace(",", "").split()
    assert int(refused) > PLACES
    assert int(ran) > 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="malloc is wrapped by GNU ld")
def test_every_allocation_may_fail(core_objects: list[str], tmp_path: Path) -> None:
    path = tmp_path / "program.slim"
    path.write_bytes(float_program())
    program = link("out_of_memory.c", core_objects, tmp_path, "-Wl,--wrap=malloc")
    result = subprocess.run([str(program), str(path)], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr[-4000:]
    assert result.stdout == "3 refused\n"  # tables, arena, and the arena of the new shape
