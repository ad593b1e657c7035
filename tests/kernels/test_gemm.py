"""The matrix kernels compute what numpy computes, on random shapes, for every instruction set of this machine."""

from __future__ import annotations

import ctypes

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.tasks import GemmF32, GemmU8, Kernels, aligned, channel_table, panels

SIZES = st.tuples(st.integers(1, 70), st.integers(1, 9), st.integers(1, 70), st.integers(1, 70))  # m, taps, k, n
NO_LIMIT = settings(deadline=None, max_examples=40)


@NO_LIMIT
@given(
    size=SIZES,
    seed=st.integers(0, 2**31),
    add=st.booleans(),
    clamp=st.booleans(),
    gap=st.integers(0, 20),
    alone=st.booleans(),
)
def test_gemm_f32(
    kernels: Kernels, size: tuple[int, int, int, int], seed: int, add: bool, clamp: bool, gap: int, alone: bool
) -> None:
    m, taps, k, n = size
    random = np.random.default_rng(seed)
    x = aligned(random.standard_normal((m, taps, k), np.float32))
    order = random.permutation(m * taps)
    pointers = (x.ctypes.data + order * (k * 4)).astype(np.uintp)
    weights = random.standard_normal((n, taps * k), np.float32)
    bias = random.standard_normal(n).astype(np.float32)
    residual = random.standard_normal((m, n)).astype(np.float32)
    out = np.full((m, n + gap), 7.0, np.float32)
    packed, packed_bias = panels(weights), panels(bias[:, None])
    low, high = (-1.0, 2.0) if clamp else (-np.inf, np.inf)
    task = GemmF32(
        pointers.ctypes.data, m, taps, k, packed.ctypes.data, packed_bias.ctypes.data,
        residual.ctypes.data if add else None, None, out.ctypes.data, n, n + gap, n, low, high, alone,
    )  # fmt: skip
    kernels.gemm_f32(ctypes.byref(task))
    rows = x.reshape(m * taps, k)[order].reshape(m, taps * k)
    expected = np.clip(rows.astype(float) @ weights.T.astype(float) + bias + (residual if add else 0), low, high)
    np.testing.assert_allclose(out[:, :n], expected, rtol=1e-4, atol=2e-4)
    assert (out[:, n:] == 7.0).all()


@NO_LIMIT
@given(
    size=SIZES,
    rest=st.tuples(st.integers(0, 3), st.integers(1, 9)),
    seed=st.integers(0, 2**31),
    to_float=st.booleans(),
    extreme=st.booleans(),
    gap=st.integers(0, 20),
)
def test_gemm_u8(
    kernels: Kernels,
    size: tuple[int, int, int, int],
    rest: tuple[int, int],
    seed: int,
    to_float: bool,
    extreme: bool,
    gap: int,
) -> None:
    m, taps, k, n = size
    rests, short = rest  # taps after the others, and their bytes
    widths = [k] * taps + [short] * rests
    random = np.random.default_rng(seed)
    x = random.integers(0, 256, (m, sum(widths))).astype(np.uint8)
    weights = random.integers(-128, 128, (n, sum(widths))).astype(np.int8)
    if extreme:  # sums of two products that do not fit 16 bits
        x[:], weights[:] = 255, random.choice(np.array([-128, 127], np.int8), (n, 1))
    x = aligned(x)
    starts = np.cumsum([0, *widths[:-1]])
    pointers = (x.ctypes.data + np.arange(m)[:, None] * sum(widths) + starts).astype(np.uintp)
    words = [np.pad(part, ((0, 0), (0, -part.shape[1] % 4))) for part in np.split(weights, starts[1:], axis=1)]
    packed = panels(np.concatenate(words, axis=1).view(np.int32))
    bias = random.integers(-100000, 100000, n).astype(np.int32)
    multiplier = random.uniform(1e-5, 1e-2, n).astype(np.float32)
    table = channel_table(bias, weights.sum(1, dtype=np.int32), multiplier)
    zero_point = int(random.integers(0, 256))
    out = np.full((m, n + gap), 77, np.float32 if to_float else np.uint8)
    low, high = (-np.inf, 100.5) if to_float else (-zero_point, 255 - zero_point)
    task = GemmU8(
        pointers.ctypes.data, m, taps, k, rests, short, packed.ctypes.data, table.ctypes.data, out.ctypes.data, n + gap,
        n, low, high, zero_point, to_float,
    )  # fmt: skip
    kernels.gemm_u8(ctypes.byref(task))
    acc = x.astype(np.int32) @ weights.T.astype(np.int32) + bias
    real = np.clip(acc.astype(np.float32) * multiplier, np.float32(low), np.float32(high))
    expected = real if to_float else (np.rint(real).astype(np.int32) + zero_point).astype(np.uint8)
    np.testing.assert_array_equal(out[:, :n], expected)
    assert (out[:, n:] == 77).all()
