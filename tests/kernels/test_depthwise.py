"""The depthwise kernels compute what numpy computes, on random windows, for every instruction set of this machine."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.kernels.tasks import DepthwiseF32, DepthwiseU8, Kernels, aligned, channel_table, panels

NO_LIMIT = settings(deadline=None, max_examples=40)


@dataclass(frozen=True)
class Window:
    """A depthwise convolution of an image with `padding` (top, left, bottom, right)."""

    size: tuple[int, int, int]  # height, width, channels
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int, int, int]

    @property
    def out_size(self) -> tuple[int, int]:
        height, width = (
            (self.size[i] + self.padding[i] + self.padding[i + 2] - (self.kernel[i] - 1) * self.dilation[i] - 1)
            // self.stride[i] + 1
            for i in (0, 1)
        )  # fmt: skip
        return height, width

    def fields(self) -> tuple[int, ...]:
        """Those of the task from out_rows to pad_left."""
        return (*self.out_size, *self.size[1:], *self.kernel, *self.stride, *self.dilation, self.padding[1])

    def rows(self, x: NDArray[np.generic]) -> NDArray[np.uintp]:
        """Pointers to the rows that the output touches, 0 where they are padding."""
        count = (self.out_size[0] - 1) * self.stride[0] + (self.kernel[0] - 1) * self.dilation[0] + 1
        inside = np.arange(count) - self.padding[0]
        pointers = x.ctypes.data + inside * x.strides[0]
        return np.where((inside >= 0) & (inside < self.size[0]), pointers, 0).astype(np.uintp)

    def sums(self, x: NDArray[Any], weights: NDArray[Any], fill: float) -> NDArray[Any]:
        """(H, W, C), (C, kernel_h, kernel_w) -> (out_h, out_w, C), in the type of the weights."""
        top, left, bottom, right = self.padding
        padded = np.pad(x.astype(weights.dtype), ((top, bottom), (left, right), (0, 0)), constant_values=fill)
        height, width = self.out_size
        total = np.zeros((height, width, x.shape[2]), weights.dtype)
        for ky in range(self.kernel[0]):
            for kx in range(self.kernel[1]):
                y, z = ky * self.dilation[0], kx * self.dilation[1]
                part = padded[y : y + (height - 1) * self.stride[0] + 1, z : z + (width - 1) * self.stride[1] + 1]
                total += part[:: self.stride[0], :: self.stride[1]] * weights[:, ky, kx]
        return total


@st.composite
def windows(draw: st.DrawFn) -> Window:
    square = draw(st.sampled_from((3, 5, None)))
    kernel = (square, square) if square else (draw(st.integers(1, 6)), draw(st.integers(1, 6)))
    step = draw(st.sampled_from((1, 2, None)))
    stride = (step, step) if step else (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    dilation = draw(st.sampled_from(((1, 1), (1, 1), (2, 2), (1, 3))))
    padding = draw(st.tuples(*[st.integers(0, 3)] * 4))
    least = [max(1, (kernel[i] - 1) * dilation[i] + 1 - padding[i] - padding[i + 2]) for i in (0, 1)]
    size = (
        draw(st.integers(least[0], 40)),
        draw(st.integers(least[1], 40)),
        draw(st.sampled_from((*range(1, 71), 144, 150, 300, 530))),
    )
    return Window(size, kernel, stride, dilation, padding)


@NO_LIMIT
@given(window=windows(), seed=st.integers(0, 2**31), clamp=st.booleans(), gap=st.integers(0, 20))
def test_depthwise_f32(kernels: Kernels, window: Window, seed: int, clamp: bool, gap: int) -> None:
    random = np.random.default_rng(seed)
    channels = window.size[2]
    x = aligned(random.standard_normal(window.size, np.float32))
    weights = random.standard_normal((channels, *window.kernel), np.float32)
    bias = random.standard_normal(channels).astype(np.float32)
    height, width = window.out_size
    out = np.full((height, width, channels + gap), 7.0, np.float32)
    rows, packed, packed_bias = window.rows(x), panels(weights.reshape(channels, -1)), panels(bias[:, None])
    low, high = (-1.0, 2.0) if clamp else (-np.inf, np.inf)
    task = DepthwiseF32(
        rows.ctypes.data, *window.fields(), packed.ctypes.data, packed_bias.ctypes.data, out.ctypes.data,
        channels + gap, width * (channels + gap), low, high,
    )  # fmt: skip
    kernels.depthwise_f32(ctypes.byref(task))
    expected = np.clip(window.sums(x, weights.astype(float), 0.0) + bias, low, high)
    np.testing.assert_allclose(out[..., :channels], expected, rtol=1e-4, atol=1e-4)
    assert (out[..., channels:] == 7.0).all()


@NO_LIMIT
@given(window=windows(), seed=st.integers(0, 2**31), extreme=st.booleans(), gap=st.integers(0, 20))
def test_depthwise_u8(kernels: Kernels, window: Window, seed: int, extreme: bool, gap: int) -> None:
    random = np.random.default_rng(seed)
    channels = window.size[2]
    x = aligned(random.integers(255 if extreme else 0, 256, window.size).astype(np.uint8))
    weights = random.integers(-128, 128, (channels, *window.kernel)).astype(np.int8)
    if extreme:  # sums of two products that do not fit 16 bits
        weights[:] = random.choice(np.array([-128, 127], np.int8), (channels, 1, 1))
    bias = random.integers(-10000, 10000, channels).astype(np.int32)
    multiplier = random.uniform(1e-4, 1e-2, channels).astype(np.float32)
    zero_point, input_zero_point = (int(v) for v in random.integers(0, 256, 2))
    height, width = window.out_size
    out = np.full((height, width, channels + gap), 77, np.uint8)
    rows, packed = window.rows(x), panels(weights.reshape(channels, -1))
    table = channel_table(bias, weights.sum((1, 2), dtype=np.int32), multiplier)
    task = DepthwiseU8(
        rows.ctypes.data, *window.fields(), packed.ctypes.data, table.ctypes.data, out.ctypes.data,
        channels + gap, width * (channels + gap), -zero_point, 255 - zero_point, zero_point, input_zero_point,
    )  # fmt: skip
    kernels.depthwise_u8(ctypes.byref(task))
    acc = window.sums(x, weights.astype(np.int32), input_zero_point) + bias
    real = np.clip(acc.astype(np.float32) * multiplier, np.float32(-zero_point), np.float32(255 - zero_point))
    np.testing.assert_array_equal(out[..., :channels], (np.rint(real).astype(np.int32) + zero_point).astype(np.uint8))
    assert (out[..., channels:] == 77).all()
