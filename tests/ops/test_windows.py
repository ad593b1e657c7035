"""Pooling over windows against onnxruntime, and integer pooling to the last bit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slim.core.format import Type
from slim.errors import SlimError
from tests.ops.programs import Given, floats, integers, run, window
from tests.ops.reference import first_channel, judge, last_channel
from tests.ops.sliding import Sliding, pairs


@dataclass(frozen=True)
class Case(Sliding):
    """An image and a pool's window that fits it."""

    batch: int = 1
    channels: int = 1

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return (self.batch, *self.size, self.channels)

    @property
    def onnx(self) -> dict[str, object]:
        return {"kernel_shape": self.kernel, **super().onnx}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    kernel = draw(pairs(3, 3))
    # onnxruntime asks that pads be smaller than the kernel
    pads = draw(st.tuples(*(st.integers(0, kernel[axis] - 1) for axis in (0, 1, 0, 1))))
    batch, channels = draw(st.sampled_from([1, 3])), draw(st.sampled_from([1, 3, 17, 80]))
    found = Case(draw(pairs(9, 9)), kernel, draw(pairs(3, 3)), draw(pairs(3, 3)), pads, batch, channels)
    assume(found.fits)
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int8])
@settings(max_examples=40, deadline=None)
@given(case=cases())
def test_max_pool(dtype: type, case: Case) -> None:
    x = (
        floats(*case.shape)
        if dtype is np.float32
        else integers(-128 if dtype is np.int8 else 0, 127, *case.shape, dtype=dtype)
    )
    kind = {np.float32: Type.F32, np.uint8: Type.U8, np.int8: Type.I8}[dtype]
    expected = last_channel(judge("MaxPool", [first_channel(x)], **case.onnx)[0])
    np.testing.assert_array_equal(run("max_pool", [x], kind, case.attributes), expected)


@pytest.mark.parametrize("include", [0, 1])
@settings(max_examples=40, deadline=None)
@given(case=cases())
def test_average_pool_f32(include: int, case: Case) -> None:
    x = floats(*case.shape)
    attributes = {**case.attributes, "count_include_pad": include, "extra_bottom": 0, "extra_right": 0}
    expected = average(x, case, include)
    np.testing.assert_allclose(run("average_pool_f32", [x], attributes=attributes), expected, rtol=1e-5, atol=1e-6)
    if case.dilation == (1, 1):
        judged = judge("AveragePool", [first_channel(x)], count_include_pad=include, **case.onnx)[0]
        np.testing.assert_allclose(expected, last_channel(judged), rtol=1e-5, atol=1e-6)


def sums(x: np.ndarray, case: Case) -> tuple[np.ndarray, np.ndarray]:
    """The sum under each window (NHWC) and how many inputs it covers (H, W)."""
    n, h, w, c = x.shape
    top, left, bottom, right = case.pads
    padded = np.pad(x.astype(np.float64), ((0, 0), (top, bottom), (left, right), (0, 0)))
    inside = np.pad(np.ones((h, w)), ((top, bottom), (left, right)))
    spans = [d * (k - 1) + 1 for d, k in zip(case.dilation, case.kernel, strict=True)]
    rows = range(0, h + top + bottom - spans[0] + 1, case.stride[0])
    columns = range(0, w + left + right - spans[1] + 1, case.stride[1])
    total, count = np.zeros((n, len(rows), len(columns), c)), np.zeros((len(rows), len(columns)))
    for i, y in enumerate(rows):
        for j, z in enumerate(columns):
            area = (slice(y, y + spans[0], case.dilation[0]), slice(z, z + spans[1], case.dilation[1]))
            total[:, i, j] = padded[(slice(None), *area)].sum(axis=(1, 2))
            count[i, j] = inside[area].sum()
    return total, count


def average(x: np.ndarray, case: Case, include: int) -> np.ndarray:
    total, count = sums(x, case)
    count = np.full_like(count, case.kernel[0] * case.kernel[1]) if include else count
    return np.where(count[..., None] > 0, total / np.maximum(count, 1)[..., None], 0)


@settings(max_examples=40, deadline=None)
@given(case=cases(), include=st.integers(0, 1), zx=st.integers(0, 255), zy=st.integers(0, 255))
def test_average_pool_u8_is_exact(case: Case, include: int, zx: int, zy: int) -> None:
    x, scale = integers(0, 255, *case.shape), np.float32(0.7)
    attributes = {
        **case.attributes,
        "count_include_pad": include,
        "extra_bottom": 0,
        "extra_right": 0,
        "scale": scale,
        "lo": 3,
        "hi": 250,
    }
    result = run("average_pool_u8", [Given(x, zero_point=zx)], Type.U8, attributes, zero_point=zy)
    total, count = sums(x.astype(np.int64) - zx, case)
    count = np.full_like(count, case.kernel[0] * case.kernel[1]) if include else count
    factor = np.where(count > 0, scale / np.maximum(count, 1).astype(np.float32), np.float32(0)).astype(np.float32)
    value = np.clip(total.astype(np.float32) * factor[..., None], np.float32(3 - zy), np.float32(250 - zy))
    np.testing.assert_array_equal(result, (np.rint(value).astype(int) + zy).astype(np.uint8))


def test_rows_that_ceil_mode_added_never_count() -> None:
    """ONNX's ceil_mode: the part of the last window past the padding is not counted, even with count_include_pad."""
    x = floats(1, 6, 6, 3)
    onnx = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 0, 0], "ceil_mode": 1, "count_include_pad": 1}
    expected = last_channel(judge("AveragePool", [first_channel(x)], **onnx)[0])
    attributes = {
        **window((3, 3), (2, 2), pads=(0, 0, 1, 1)),
        "count_include_pad": 1,
        "extra_bottom": 1,
        "extra_right": 1,
    }
    np.testing.assert_allclose(run("average_pool_f32", [x], attributes=attributes), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 7, 7, 1280), (2, 1, 1, 5), (3, 13, 9, 17)])
def test_a_window_of_0_by_0_is_the_whole_input(shape: tuple[int, int, int, int]) -> None:
    x, whole = floats(*shape), window((0, 0))
    np.testing.assert_array_equal(run("max_pool", [x], attributes=whole), x.max(axis=(1, 2), keepdims=True))
    attributes = {**whole, "count_include_pad": 0, "extra_bottom": 0, "extra_right": 0}
    mean = x.mean(axis=(1, 2), keepdims=True, dtype=np.float64)
    np.testing.assert_allclose(run("average_pool_f32", [x], attributes=attributes), mean, rtol=1e-5, atol=1e-6)


def test_a_window_in_the_padding_alone() -> None:
    attributes = window((1, 1), (3, 3), pads=(3, 3, 0, 0))
    x = floats(1, 1, 1, 5)
    lowest = np.finfo(np.float32).min
    expected = np.full((1, 2, 2, 5), lowest, np.float32)
    expected[:, 1, 1] = x[:, 0, 0]
    np.testing.assert_array_equal(run("max_pool", [x], attributes=attributes), expected)
    counts = {"count_include_pad": 0, "extra_bottom": 0, "extra_right": 0}
    means = run("average_pool_f32", [x], attributes={**attributes, **counts})
    np.testing.assert_array_equal(means, np.where(expected == lowest, 0, expected))


@pytest.mark.parametrize(
    "change",
    [{"kernel_h": -1}, {"stride_w": 0}, {"dilation_h": 0}, {"pad_top": -1}, {"kernel_w": 9}, {"pad_left": 40000}],
)
def test_a_window_that_does_not_fit_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(SlimError, match="window"):
        run("max_pool", [floats(1, 5, 5, 2)], attributes={**window((2, 2)), **change})
