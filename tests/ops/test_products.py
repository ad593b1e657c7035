"""Sums of products in fp32 against onnxruntime; weights are packed here as the programs hold them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from slim.core.format import Type
from slim.errors import SlimError
from slim.lower import panels
from tests.ops.programs import constant, floats, run, run_all, window
from tests.ops.reference import first_channel, judge, last_channel
from tests.ops.sliding import Sliding, pairs, slidings

FREE = {"lo": -np.inf, "hi": np.inf}
CLOSE = {"rtol": 1e-4, "atol": 1e-4}


@settings(max_examples=40, deadline=None)
@given(
    batch=st.sampled_from([1, 3]),
    slides=slidings((12, 12), pairs(5, 3), (3, 2), (2, 2), 4),
    channels=st.sampled_from([1, 3, 16, 17, 40]),
    clamp=st.booleans(),
)
def test_depthwise_f32(batch: int, slides: Sliding, channels: int, clamp: bool) -> None:
    x, w, b = floats(batch, *slides.size, channels), floats(channels, 1, *slides.kernel), floats(channels)
    expected = judge("Conv", [first_channel(x), w, b], group=channels, **slides.onnx)[0]
    limits = {"lo": 0.0, "hi": 1.0} if clamp else FREE
    operands = [x, constant(panels.depthwise(w.reshape(channels, -1))), constant(panels.vector(b))]
    result = run("depthwise_f32", operands, attributes={**slides.attributes, **limits})
    np.testing.assert_allclose(result, np.clip(last_channel(expected), limits["lo"], limits["hi"]), **CLOSE)


@settings(max_examples=40, deadline=None)
@given(
    rows=hnp.array_shapes(min_dims=1, max_dims=3, max_side=9),
    k=st.sampled_from([1, 5, 64, 130]),
    n=st.sampled_from([1, 16, 17, 130, 300]),
    residual=st.booleans(),
    clamp=st.booleans(),
)
def test_dense_f32(rows: tuple[int, ...], k: int, n: int, residual: bool, clamp: bool) -> None:
    x, w, b, more = floats(*rows, k), floats(n, k), floats(n), floats(*rows, n)
    operands = [x, constant(panels.gemm_f32(w)), constant(panels.vector(b))] + [more] * residual
    limits = {"lo": -0.5, "hi": 6.0} if clamp else FREE
    result = run("dense_f32", operands, attributes={"out_channels": n, **limits})
    expected = x.astype(np.float64) @ w.T + b + (more if residual else 0)
    np.testing.assert_allclose(result, np.clip(expected, limits["lo"], limits["hi"]), **CLOSE)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.one_of(st.integers(1, 150), st.integers(250, 530)),
    k=st.sampled_from([2, 6, 32, 62, 100]),
    n=st.sampled_from([1, 16, 17, 32, 40, 64, 130, 300]),
    residual=st.booleans(),
    clamp=st.booleans(),
)
def test_strassen_f32(rows: int, k: int, n: int, residual: bool, clamp: bool) -> None:
    x, w, b, more = floats(rows, k), floats(n, k), floats(n), floats(rows, n)
    operands = [x, constant(panels.gemm_f32(w)), constant(panels.vector(b))] + [more] * residual
    limits = {"lo": -0.5, "hi": 6.0} if clamp else FREE
    result = run("strassen_f32", operands, attributes={"stride_h": 1, "stride_w": 1, "out_channels": n, **limits})
    expected = x.astype(np.float64) @ w.T + b + (more if residual else 0)
    np.testing.assert_allclose(result, np.clip(expected, limits["lo"], limits["hi"]), **CLOSE)


@settings(max_examples=20, deadline=None)
@given(
    batch=st.integers(1, 3),
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 2)),
    k=st.sampled_from([48, 512]),  # with a stride of two, rows of 512 are copied
)
def test_strassen_f32_of_pixels(batch: int, size: tuple[int, int], stride: tuple[int, int], k: int) -> None:
    x, w, b = floats(batch, *size, k), floats(70, k), floats(70)
    result = run(
        "strassen_f32",
        [x, constant(panels.gemm_f32(w)), constant(panels.vector(b))],
        attributes={"stride_h": stride[0], "stride_w": stride[1], "out_channels": 70, **FREE},
    )
    expected = x[:, :: stride[0], :: stride[1]].astype(np.float64) @ w.T + b
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=2e-6 * (k + 50))


def test_what_strassen_f32_refuses() -> None:
    def attempt(x: np.ndarray, k: int, n: int, stride: int = 1) -> None:
        operands = [x, constant(panels.gemm_f32(floats(n, k))), constant(panels.vector(floats(n)))]
        run("strassen_f32", operands, attributes={"stride_h": stride, "stride_w": 1, "out_channels": n, **FREE})

    with pytest.raises(SlimError, match="odd"):
        attempt(floats(9, 33), 33, 40)
    with pytest.raises(SlimError, match="do not fit"):
        attempt(floats(9, 32), 34, 40)
    with pytest.raises(SlimError, match="strides"):
        attempt(floats(9, 32), 32, 40, stride=2)


def test_dense_f32_of_more_rows_than_a_strip() -> None:
    x, w, b = floats(300, 33), floats(20, 33), floats(20)
    result = run(
        "dense_f32",
        [x, constant(panels.gemm_f32(w)), constant(panels.vector(b))],
        attributes={"out_channels": 20, **FREE},
    )
    np.testing.assert_allclose(result, x @ w.T + b, **CLOSE)


@settings(max_examples=40, deadline=None)
@given(
    batches=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3),
    m=st.sampled_from([1, 7, 150, 600]),
    k=st.sampled_from([1, 5, 64]),
    n=st.sampled_from([1, 16, 65, 130]),
    transpose=st.booleans(),
    fixed=st.booleans(),
)
def test_matmul(batches: hnp.BroadcastableShapes, m: int, k: int, n: int, transpose: bool, fixed: bool) -> None:
    left, right = batches.input_shapes
    a, b = floats(*left, m, k), floats(*right, k, n)
    given_b = np.ascontiguousarray(np.swapaxes(b, -1, -2)) if transpose else b
    order = [*range(b.ndim - 2), b.ndim - 1, b.ndim - 2] if transpose else list(range(b.ndim))
    attributes = {**orders(a=range(a.ndim), b=order, y=range(max(a.ndim, b.ndim))), "scale": 0.5}
    result = run("matmul_f32", [a, constant(given_b) if fixed else given_b], attributes=attributes)
    np.testing.assert_allclose(result, 0.5 * (a.astype(np.float64) @ b), **CLOSE)


def orders(**given: Sequence[int]) -> dict[str, int]:
    """The attributes that say which stored axis each axis of a, b and y is."""
    return {f"{k}{i}": int(v[i]) if i < len(v) else i for k, v in given.items() for i in range(6)}


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40)),
    a_order=st.permutations(range(3)),
    b_order=st.permutations(range(4)),
    y_order=st.permutations(range(3)),
)
def test_matmul_of_axes_in_any_order(
    sizes: tuple[int, ...], a_order: list[int], b_order: list[int], y_order: list[int]
) -> None:
    *batch, m, k, n = sizes
    a, b = floats(*batch, m, k), floats(*batch, k, n)
    stored = [np.ascontiguousarray(a.transpose([*a_order, 3])), np.ascontiguousarray(b.transpose(b_order))]
    attributes = orders(
        a=np.argsort([*a_order, 3]).tolist(), b=np.argsort(b_order).tolist(), y=np.argsort([*y_order, 3]).tolist()
    )
    result = run("matmul_f32", stored, attributes={**attributes, "scale": 1.0})
    np.testing.assert_allclose(result, (a.astype(np.float64) @ b).transpose([*y_order, 3]), **CLOSE)


@pytest.mark.parametrize(
    "change", [{"a0": 1}, {"a1": 0, "a0": 1}, {"b0": 2}, {"b0": -1}, {"y0": 1, "y1": 0}, {"y0": 5}]
)
def test_an_order_that_is_none_is_refused(change: dict[str, int]) -> None:
    attributes = {**orders(a=range(2), b=range(2), y=range(2)), "scale": 1.0, **change}
    with pytest.raises(SlimError, match="order"):
        run("matmul_f32", [floats(3, 4), floats(4, 5)], attributes=attributes)


@pytest.mark.parametrize(("a", "b"), [((2, 3), (4, 5)), ((3,), (3, 2)), ((2, 4, 3), (3, 3, 2))])
def test_matrices_that_do_not_fit_are_refused(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    with pytest.raises(SlimError, match="inputs"):
        run(
            "matmul_f32",
            [floats(*a), floats(*b)],
            attributes={**orders(a=range(6), b=range(6), y=range(6)), "scale": 1.0},
        )


def transposed_panels(w: np.ndarray, groups: int) -> np.ndarray:
    """ONNX's (C, O / groups, kh, kw) -> [groups * taps][panels][C / groups][16]."""
    c, o, kh, kw = w.shape
    taps = w.reshape(groups, c // groups, o, kh * kw).transpose(0, 3, 2, 1)
    return np.stack([panels.gemm_f32(tap) for tap in taps.reshape(-1, o, c // groups)])


@settings(max_examples=50, deadline=None)
@given(
    batch=st.sampled_from([1, 2]),
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    groups=st.sampled_from([1, 2]),
    channels=st.sampled_from([(1, 1), (3, 17), (16, 5)]),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    pads=st.tuples(*[st.integers(0, 2)] * 4),
    more=st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_conv_transpose(
    batch: int,
    size: tuple[int, int],
    groups: int,
    channels: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    pads: tuple[int, int, int, int],
    more: tuple[int, int],
) -> None:
    c, o = channels[0] * groups, channels[1]
    for axis in (0, 1):
        assume(more[axis] < stride[axis])  # onnxruntime asks for it
        assume(
            (size[axis] - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1 + more[axis]
            > pads[axis] + pads[axis + 2]
        )
    x, w, b = floats(batch, *size, c), floats(c, o, *kernel), floats(o * groups)
    expected = judge(
        "ConvTranspose",
        [first_channel(x), w, b],
        group=groups,
        strides=stride,
        dilations=dilation,
        pads=pads,
        output_padding=more,
    )[0]
    bias = np.concatenate([panels.vector(part) for part in b.reshape(groups, -1)])
    attributes = {
        **window(kernel, stride, dilation, pads),
        "groups": groups,
        "out_channels": o * groups,
        "output_pad_h": more[0],
        "output_pad_w": more[1],
    }
    result = run(
        "conv_transpose_f32", [x, constant(transposed_panels(w, groups)), constant(bias)], attributes=attributes
    )
    np.testing.assert_allclose(result, last_channel(expected), **CLOSE)


@pytest.mark.parametrize("direction", ["forward", "reverse"])
@settings(max_examples=25, deadline=None)
@given(
    steps=st.integers(1, 6),
    batch=st.sampled_from([1, 3, 17]),
    inputs=st.sampled_from([1, 5, 33]),
    hidden=st.sampled_from([1, 4, 17]),
    initial=st.booleans(),
)
def test_lstm(direction: str, steps: int, batch: int, inputs: int, hidden: int, initial: bool) -> None:
    x, w, r = floats(steps, batch, inputs), floats(1, 4 * hidden, inputs), floats(1, 4 * hidden, hidden)
    b, h, c = floats(1, 8 * hidden), floats(1, batch, hidden), floats(1, batch, hidden)
    states = [h, c] if initial else [None, None]
    expected = judge("LSTM", [x, w, r, b, None, *states], outputs=3, hidden_size=hidden, direction=direction)
    bias = panels.vector(b[0, : 4 * hidden] + b[0, 4 * hidden :])
    operands = [x, constant(panels.gemm_f32(w[0])), constant(panels.gemm_f32(r[0])), constant(bias), *states]
    attributes = {"hidden": hidden, "direction": int(direction == "reverse")}
    for ours, theirs in zip(run_all("lstm_f32", operands, (Type.F32,) * 3, attributes), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
