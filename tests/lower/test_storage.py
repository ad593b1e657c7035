"""Weights stored in 16 bits: what is rounded, what the core makes of it, and what it costs in accuracy and memory."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper

from slim.core.format import Type
from slim.errors import SlimError
from slim.lower import lower
from slim.lower.program import ProgramBuilder
from slim.runtime import Session, plan
from tests.nets import net, onnxruntime_run

rng = np.random.default_rng(11)


def signal_to_noise(got: np.ndarray, expected: np.ndarray) -> float:
    """In dB."""
    return float(10 * np.log10(np.mean(expected**2) / np.mean((got - expected) ** 2)))


def layers() -> onnx.ModelProto:
    """A convolution of an image, Winograd, depthwise, pointwise, and a fully connected layer."""
    shapes = {"a": (32, 3, 3, 3), "b": (48, 32, 3, 3), "c": (48, 1, 3, 3), "d": (80, 48, 1, 1), "e": (80, 30)}
    weights = {k: (rng.normal(size=s) / np.sqrt(np.prod(s[1:]))).astype(np.float32) for k, s in shapes.items()}
    nodes = [
        helper.make_node("Conv", ["x", "a"], ["1"], strides=[2, 2]),
        helper.make_node("Conv", ["1", "b"], ["2"], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["2", "c"], ["3"], group=48, pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["3", "d"], ["4"]),
        helper.make_node("GlobalAveragePool", ["4"], ["5"]),
        helper.make_node("Flatten", ["5"], ["6"]),
        helper.make_node("MatMul", ["6", "e"], ["y"]),
    ]
    return net(nodes, {"x": (1, 3, 41, 37)}, ["y"], weights)


@pytest.mark.parametrize(("weights", "decibels"), [("fp16", 60.0), ("bf16", 40.0)])
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("threads", [1, 3])
def test_halved_weights_are_near_fp32(weights: str, decibels: float, optimize: str, threads: int) -> None:
    model = layers()
    x = {"x": rng.normal(size=(1, 3, 41, 37)).astype(np.float32)}
    program = lower(ir.from_proto(model), weights=weights, optimize=optimize)
    session = Session(program, threads=threads)
    expected = onnxruntime_run(model, x)["y"]
    for _ in range(2):  # the second run finds the weights as the first did
        assert signal_to_noise(session.run(x)["y"], expected) >= decibels
    assert len(program) < 0.6 * len(lower(ir.from_proto(model), optimize=optimize))


def test_what_winograd_transforms_takes_no_memory_of_its_own() -> None:
    weights = {"w": rng.normal(size=(64, 64, 3, 3)).astype(np.float32)}
    model = net(
        [helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])], {"x": (1, 64, 40, 40)}, ["y"], weights
    )
    half, full = (plan(lower(ir.from_proto(model), weights=w)) for w in ("fp16", "fp32"))
    assert half.arena_bytes < full.arena_bytes + weights["w"].nbytes + 4096
    assert half.arena_bytes <= 1.05 * half.lower_bound_bytes


def test_a_resized_session_widens_again() -> None:
    session = Session(lower(ir.from_proto(layers()), weights="fp16"))
    small, large = (rng.normal(size=(1, 3, n, n)).astype(np.float32) for n in (31, 60))
    first = session.run({"x": small})["y"]
    session.run({"x": large})
    np.testing.assert_array_equal(session.run({"x": small})["y"], first)


def sum_with(constant: np.ndarray, type: Type) -> np.ndarray:
    """0 + constant, on the core."""
    builder = ProgramBuilder()
    x = builder.input("x", Type.F32, constant.shape)
    c = builder.constant(constant, type=type)
    limits = {"mode": 0, "lo": float("-inf"), "hi": float("inf")}
    y = builder.operator("binary_f32", [x, c], Type.F32, limits, name="y")
    return Session(builder.finish([y])).run({"x": np.zeros(constant.shape, np.float32)})["y"]


def test_every_fp16_is_widened_exactly() -> None:
    bits = np.arange(1 << 16, dtype=np.uint16)
    expected = bits.view(np.float16).astype(np.float32)
    np.testing.assert_array_equal(sum_with(bits.view(np.float16), Type.F16), expected)


def test_every_bf16_is_widened_exactly() -> None:
    bits = np.arange(1 << 16, dtype=np.uint16)
    np.testing.assert_array_equal(sum_with(bits, Type.BF16), (bits.astype(np.uint32) << 16).view(np.float32))


def test_an_output_that_is_a_halved_constant_is_widened() -> None:
    builder = ProgramBuilder(weights="fp16")
    x = builder.input("x", Type.F32, (4,))
    constant = rng.normal(size=(20, 20)).astype(np.float32)
    c = builder.constant(constant)
    y = builder.operator(
        "reshape", [x], Type.F32, {"rank": 1, **{f"d{i}": 4 if i == 0 else 1 for i in range(6)}}, name="y"
    )
    got = Session(builder.finish([y, c])).run({"x": np.zeros(4, np.float32)})
    np.testing.assert_array_equal(next(v for v in got.values() if v.size == 400), constant.astype(np.float16))


@pytest.mark.parametrize("value", [1e6, np.inf, np.nan])
def test_constants_that_overflow_stay_as_they_are(value: float) -> None:
    big = np.full((20, 20), value, np.float32)
    model = net([helper.make_node("Add", ["x", "c"], ["y"])], {"x": (20, 20)}, ["y"], {"c": big})
    x = np.zeros((20, 20), np.float32)
    got = Session(lower(ir.from_proto(model), weights="fp16")).run({"x": x})["y"]
    np.testing.assert_array_equal(got, big)


def test_bf16_rounds_to_the_nearest_even() -> None:
    values = np.tile(np.float32([1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-20, -1 - 2**-8]), (64, 1))
    model = net([helper.make_node("Add", ["x", "c"], ["y"])], {"x": values.shape}, ["y"], {"c": values})
    got = Session(lower(ir.from_proto(model), weights="bf16")).run({"x": np.zeros_like(values)})["y"]
    np.testing.assert_array_equal(got[0], np.float32([1, 1 + 2**-6, 1 + 2**-7, -1]))


def test_another_type_of_weights_is_refused() -> None:
    with pytest.raises(SlimError, match="fp8"):
        lower(ir.from_proto(layers()), weights="fp8")
