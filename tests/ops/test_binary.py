"""binary_f32, add_u8, mul_u8: numpy broadcasting, and integer arithmetic to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from slim.core.format import Type
from slim.core.operators import Binary
from slim.errors import SlimError
from tests.ops.programs import Given, constant, floats, integers, run

shapes = hnp.mutually_broadcastable_shapes(num_shapes=2, min_dims=1, max_dims=5, max_side=5)
EXPECTED = {
    Binary.ADD: np.add,
    Binary.SUB: np.subtract,
    Binary.MUL: np.multiply,
    Binary.DIV: np.divide,
    Binary.MAX: np.maximum,
    Binary.MIN: np.minimum,
    Binary.PRELU: lambda a, b: np.where(a >= 0, a, a * b),
}
FREE = {"lo": -np.inf, "hi": np.inf}


@pytest.mark.parametrize("mode", EXPECTED, ids=lambda mode: mode.name.lower())
@settings(max_examples=25, deadline=None)
@given(pair=shapes)
def test_mode_broadcasts_as_numpy_does(mode: Binary, pair: hnp.BroadcastableShapes) -> None:
    a, b = (floats(*shape) for shape in pair.input_shapes)
    result = run("binary_f32", [a, b], attributes={"mode": mode, **FREE})
    np.testing.assert_array_equal(result, EXPECTED[mode](a, b))


@pytest.mark.parametrize(
    "sizes", [((3, 5000), (1, 1)), ((1, 70, 17), (1, 1, 17)), ((9, 1, 130), (9, 20, 1)), ((20000,), (20000,))]
)
def test_long_runs_are_cut_without_gaps(sizes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    a, b = (floats(*shape) for shape in sizes)
    np.testing.assert_array_equal(run("binary_f32", [a, b], attributes={"mode": Binary.SUB, **FREE}), a - b)
    np.testing.assert_array_equal(run("binary_f32", [b, constant(a)], attributes={"mode": Binary.SUB, **FREE}), b - a)


def test_the_result_is_clamped() -> None:
    a, b = floats(300), floats(300)
    result = run("binary_f32", [a, b], attributes={"mode": Binary.ADD, "lo": 0.0, "hi": 1.0})
    np.testing.assert_array_equal(result, np.clip(a + b, 0, 1))


def test_a_tensor_may_be_both_inputs_of_its_own_successor() -> None:
    from slim.lower.program import ProgramBuilder
    from slim.runtime import Session

    builder = ProgramBuilder()
    x = builder.input("x", Type.F32, (50,))
    y = builder.operator("binary_f32", [x, x], Type.F32, {"mode": Binary.MUL, **FREE})
    z = builder.operator("binary_f32", [y, x], Type.F32, {"mode": Binary.SUB, **FREE}, name="z")
    value = floats(50)
    np.testing.assert_array_equal(Session(bytes(builder.finish([z]))).run({"x": value})["z"], value * value - value)


@settings(max_examples=40, deadline=None)
@given(
    base=hnp.arrays(np.float32, 20, elements=st.floats(0.0009765625, 1000, width=32)),
    power=st.sampled_from([0.0, 0.5, -0.5, 2.0, 3.0, -1.0, 2.5, 10.0, -7.0]),
)
def test_powers_of_positive_numbers(base: np.ndarray, power: float) -> None:
    exponent = np.full(1, power, np.float32)
    result = run("binary_f32", [base, exponent], attributes={"mode": Binary.POW, **FREE})
    np.testing.assert_allclose(result, base.astype(np.float64) ** power, rtol=1e-6)


def test_powers_of_zero_and_of_negative_numbers() -> None:
    base = np.array([-2, -2, -2, 0, 0, -0.0, np.inf, -np.inf, 5, np.nan, -1], np.float32)
    power = np.array([3, 2, 0.5, 2, -1, -3, -1, 3, 0, 1, np.inf], np.float32)
    result = run("binary_f32", [base, power], attributes={"mode": Binary.POW, **FREE})
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(result, np.power(base, power), rtol=1e-6)


def test_shapes_that_do_not_broadcast_are_refused() -> None:
    with pytest.raises(SlimError, match="broadcast"):
        run("binary_f32", [floats(2, 3), floats(2)], attributes={"mode": Binary.ADD, **FREE})


def rounded(x: np.ndarray, lo: int, hi: int, zero_point: int) -> np.ndarray:
    """The core's rule: clamp relative to the zero point, round to even, add it."""
    clamped = np.minimum(np.maximum(x.astype(np.float32), np.float32(lo - zero_point)), np.float32(hi - zero_point))
    return (np.rint(clamped).astype(np.int32) + zero_point).astype(np.uint8)


@settings(max_examples=40, deadline=None)
@given(
    pair=shapes,
    za=st.integers(0, 255),
    zb=st.integers(0, 255),
    zy=st.integers(0, 255),
    ma=st.integers(-(2**22), 2**22),
    mb=st.integers(-(2**22), 2**22),
    exponent=st.integers(-30, -10),
    limits=st.tuples(st.integers(0, 255), st.integers(0, 255)).map(sorted),
)
def test_add_u8_is_exact(
    pair: hnp.BroadcastableShapes, za: int, zb: int, zy: int, ma: int, mb: int, exponent: int, limits: list[int]
) -> None:
    a, b = (integers(0, 255, *shape) for shape in pair.input_shapes)
    scale, (lo, hi) = np.float32(1.7 * 2.0**exponent), limits
    attributes = {"multiplier_a": ma, "multiplier_b": mb, "scale": scale, "lo": lo, "hi": hi}
    result = run("add_u8", [Given(a, zero_point=za), Given(b, zero_point=zb)], Type.U8, attributes, zero_point=zy)
    total = (a.astype(np.int32) - za) * ma + (b.astype(np.int32) - zb) * mb
    np.testing.assert_array_equal(result, rounded(total.astype(np.float32) * scale, lo, hi, zy))


@settings(max_examples=40, deadline=None)
@given(
    pair=shapes,
    za=st.integers(0, 255),
    zb=st.integers(0, 255),
    zy=st.integers(0, 255),
    exponent=st.integers(-16, 0),
    limits=st.tuples(st.integers(0, 255), st.integers(0, 255)).map(sorted),
)
def test_mul_u8_is_exact(
    pair: hnp.BroadcastableShapes, za: int, zb: int, zy: int, exponent: int, limits: list[int]
) -> None:
    a, b = (integers(0, 255, *shape) for shape in pair.input_shapes)
    scale, (lo, hi) = np.float32(1.3 * 2.0**exponent), limits
    attributes = {"scale": scale, "lo": lo, "hi": hi}
    result = run("mul_u8", [Given(a, zero_point=za), Given(b, zero_point=zb)], Type.U8, attributes, zero_point=zy)
    product = ((a.astype(np.int32) - za) * (b.astype(np.int32) - zb)).astype(np.float32)
    np.testing.assert_array_equal(result, rounded(product * scale, lo, hi, zy))


def test_a_multiplier_that_could_overflow_is_refused() -> None:
    attributes = {"multiplier_a": 2**22 + 1, "multiplier_b": 1, "scale": 1.0, "lo": 0, "hi": 255}
    with pytest.raises(SlimError, match="multiplier"):
        run("add_u8", [integers(0, 255, 3), integers(0, 255, 3)], Type.U8, attributes)
