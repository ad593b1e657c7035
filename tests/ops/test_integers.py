"""Between floats and stored integers, and functions of a byte: exact, against onnxruntime where it has the operator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slim.core.format import Type
from slim.errors import SlimError
from slim.lower.program import NUMPY_TYPES
from tests.ops.programs import Given, constant, floats, integers, run
from tests.ops.reference import judge

LIMITS = {np.uint8: (0, 255), np.int8: (-128, 127)}
scales = st.floats(0.0009765625, 4, width=32)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@settings(max_examples=40, deadline=None)
@given(data=st.data(), scale=scales, size=st.sampled_from([1, 17, 20000]))
def test_quantize(dtype: type, data: st.DataObject, scale: float, size: int) -> None:
    zero_point = data.draw(st.integers(*LIMITS[dtype]))
    x = np.concatenate(
        [floats(size, scale=100 * scale), np.array([0.5, 1.5, -0.5, 2.5], np.float32) * np.float32(scale)]
    )
    x = np.concatenate([x, np.array([np.inf, -np.inf, 3e38], np.float32)])
    expected = judge("QuantizeLinear", [x, np.array(scale, np.float32), np.array(zero_point, dtype)])[0]
    result = run("quantize", [x], NUMPY_TYPES[np.dtype(dtype)], scale=scale, zero_point=zero_point)
    np.testing.assert_array_equal(result, expected)


def test_not_a_number_is_the_zero_point() -> None:
    x = np.array([np.nan, 1], np.float32)
    np.testing.assert_array_equal(run("quantize", [x], Type.U8, scale=0.5, zero_point=7), [7, 9])
    np.testing.assert_array_equal(run("quantize", [x], Type.I32, scale=0.5, zero_point=-7), [-7, -5])


def test_quantize_to_words() -> None:
    x = np.array([0.5, 1.5, -2.5, 4194305.5, 8388609, -12582913, 3e9, -3e9, np.inf, 1e38], np.float32)
    expected = np.clip(np.rint(x.astype(np.float64)) + 3, -(2**31), 2**31 - 1).astype(np.int64)
    np.testing.assert_array_equal(run("quantize", [x], Type.I32, scale=1.0, zero_point=3), expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32])
@settings(max_examples=20, deadline=None)
@given(data=st.data(), scale=scales)
def test_dequantize(dtype: type, data: st.DataObject, scale: float) -> None:
    low, high = LIMITS.get(dtype, (-(2**31), 2**31 - 1))
    zero_point = data.draw(st.integers(low, high)) if dtype is not np.int32 else 0
    x = integers(low, high, 20000, dtype=dtype)
    expected = judge("DequantizeLinear", [x, np.array(scale, np.float32), np.array(zero_point, dtype)])[0]
    np.testing.assert_array_equal(run("dequantize", [Given(x, scale=scale, zero_point=zero_point)]), expected)


@pytest.mark.parametrize("source", [np.uint8, np.int8])
@pytest.mark.parametrize("target", [np.uint8, np.int8])
@settings(max_examples=20, deadline=None)
@given(data=st.data(), scale=scales, other=scales)
def test_requantize(source: type, target: type, data: st.DataObject, scale: float, other: float) -> None:
    zx, zy = data.draw(st.integers(*LIMITS[source])), data.draw(st.integers(*LIMITS[target]))
    x = np.arange(LIMITS[source][0], LIMITS[source][1] + 1).astype(source)
    factor = np.float32(scale) / np.float32(other)
    value = np.rint((x.astype(np.int32) - zx).astype(np.float32) * factor) + zy
    result = run(
        "requantize", [Given(x, scale=scale, zero_point=zx)], NUMPY_TYPES[np.dtype(target)], scale=other, zero_point=zy
    )
    np.testing.assert_array_equal(result, np.clip(value, *LIMITS[target]).astype(target))


def test_lookup() -> None:
    x, table = integers(0, 255, 3, 33, 517), integers(0, 255, 256)
    np.testing.assert_array_equal(run("lookup_u8", [x, constant(table)], Type.U8), table[x])


def test_a_table_that_is_too_short_is_refused() -> None:
    with pytest.raises(SlimError, match="256"):
        run("lookup_u8", [integers(0, 255, 3), constant(integers(0, 255, 255))], Type.U8)


@pytest.mark.parametrize("zero_point", [-1, 256, 2**31 - 1, -(2**31)])
def test_a_zero_point_that_no_byte_holds_is_refused(zero_point: int) -> None:
    with pytest.raises(SlimError, match="zero point"):
        run("quantize", [floats(3)], Type.U8, scale=1.0, zero_point=zero_point)
    with pytest.raises(SlimError, match="zero point"):
        run("dequantize", [Given(integers(0, 255, 3), zero_point=zero_point)])


CASTS = [np.float32, np.int32, np.int64, np.uint8, np.int8, np.bool_]


@pytest.mark.parametrize("source", CASTS)
@pytest.mark.parametrize("target", CASTS)
def test_cast(source: type, target: type) -> None:
    """Saturating: what C leaves undefined and numpy wraps is the nearest value; NaN is 0."""
    if source is np.float32:
        x = np.array(
            [0, 1.9, -1.9, 127.5, 128, 255.9, 256, -129, 2**31, -(2**31), 3e9, 1e19, -1e19, np.inf, -np.inf], source
        )
        x = np.concatenate([x, floats(200, scale=300)])
    elif source is np.bool_:
        x = integers(0, 1, 150, dtype=source)
    else:
        low, high = np.iinfo(source).min, np.iinfo(source).max
        x = np.concatenate(
            [np.array([0, 1, low, high], source), integers(max(low, -300), min(high, 300), 150, dtype=source)]
        )
    if target is np.bool_:
        expected = x != 0
    elif target is np.float32:
        expected = x.astype(np.float32)
    else:
        low, high = int(np.iinfo(target).min), int(np.iinfo(target).max)
        exact = [int(np.trunc(np.clip(v, -1e30, 1e30))) if source is np.float32 else int(v) for v in x]
        expected = np.array([min(max(v, low), high) for v in exact], target)
    np.testing.assert_array_equal(run("cast", [x], NUMPY_TYPES[np.dtype(target)]), expected)


def test_cast_of_what_is_not_a_number_is_zero() -> None:
    np.testing.assert_array_equal(run("cast", [np.array([np.nan], np.float32)], Type.I32), [0])
