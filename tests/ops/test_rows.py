"""Reductions, softmax, normalization and resizing against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from slim.core.operators import Reduce
from slim.errors import SlimError
from tests.ops.programs import constant, floats, run
from tests.ops.reference import first_channel, judge, last_channel

shapes = hnp.array_shapes(min_dims=1, max_dims=5, max_side=20).filter(lambda shape: np.prod(shape) < 50000)


@pytest.mark.parametrize("mode", Reduce, ids=lambda mode: mode.name.lower())
@settings(max_examples=20, deadline=None)
@given(shape=shapes, axes=st.integers(1, 31), keep=st.booleans())
def test_reduce(mode: Reduce, shape: tuple[int, ...], axes: int, keep: bool) -> None:
    folded = tuple(d for d in range(len(shape)) if axes >> d & 1)
    assume(folded)
    x = floats(*shape)
    if mode is Reduce.PROD:
        x = (1 + x / 100).astype(np.float32)
    wide = x.astype(np.float64)
    expected = {
        Reduce.MEAN: lambda: wide.mean(folded, keepdims=keep),
        Reduce.SUM: lambda: wide.sum(folded, keepdims=keep),
        Reduce.MAX: lambda: wide.max(folded, keepdims=keep),
        Reduce.MIN: lambda: wide.min(folded, keepdims=keep),
        Reduce.PROD: lambda: wide.prod(folded, keepdims=keep),
        Reduce.L2: lambda: np.sqrt((wide**2).sum(folded, keepdims=keep)),
        Reduce.SUM_SQUARE: lambda: (wide**2).sum(folded, keepdims=keep),
    }[mode]()
    mask = sum(1 << d for d in folded)
    result = run("reduce_f32", [x], attributes={"mode": mode, "axes": mask, "keep_dims": int(keep)})
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-4 if mode is Reduce.SUM else 1e-5)


@pytest.mark.parametrize("axes", [-1, 4, 2**31 - 1])
def test_an_axis_that_is_not_there_is_refused(axes: int) -> None:
    with pytest.raises(SlimError, match="axis"):
        run("reduce_f32", [floats(2, 3)], attributes={"mode": 0, "axes": axes, "keep_dims": 0})


@pytest.mark.parametrize("log", [0, 1])
@settings(max_examples=30, deadline=None)
@given(data=st.data(), shape=shapes, reach=st.sampled_from([1.0, 50.0, 1000.0]))
def test_softmax(log: int, data: st.DataObject, shape: tuple[int, ...], reach: float) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = floats(*shape, scale=reach)
    expected = judge("LogSoftmax" if log else "Softmax", [x], axis=axis)[0]
    result = run("softmax_f32", [x], attributes={"axis": axis, "log": log})
    np.testing.assert_allclose(result, expected, rtol=2e-6 if not log else 1e-5, atol=1e-7 if not log else 1e-5)


def test_softmax_of_a_mask_is_zero_where_it_hides() -> None:
    x = np.array([[0, -np.inf, 0, -np.inf]], np.float32)
    np.testing.assert_array_equal(run("softmax_f32", [x], attributes={"axis": 1, "log": 0}), [[0.5, 0, 0.5, 0]])


@settings(max_examples=30, deadline=None)
@given(data=st.data(), shape=shapes, with_bias=st.booleans())
def test_layer_norm(data: st.DataObject, shape: tuple[int, ...], with_bias: bool) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = floats(*shape) + np.float32(3)
    scale, bias = floats(*shape[axis:]), floats(*shape[axis:])
    wide, axes = x.astype(np.float64), tuple(range(len(shape)))[axis:]
    mean, variance = wide.mean(axes, keepdims=True), wide.var(axes, keepdims=True)
    expected = (wide - mean) / np.sqrt(variance + 1e-3) * scale + (bias if with_bias else 0)
    operands = [x, constant(scale), constant(bias)] if with_bias else [x, constant(scale)]
    result = run("layer_norm_f32", operands, attributes={"axis": axis, "epsilon": 1e-3})
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=3e-5)


def test_layer_norm_agrees_with_onnxruntime() -> None:
    x, scale, bias = floats(2, 197, 96), floats(96), floats(96)
    expected = judge("LayerNormalization", [x, scale, bias], axis=-1, epsilon=1e-5)[0]
    result = run("layer_norm_f32", [x, constant(scale), constant(bias)], attributes={"axis": -1, "epsilon": 1e-5})
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    channels=st.sampled_from([1, 2, 17, 96]),
    size=st.sampled_from([1, 3, 4, 5, 33]),
    beta=st.sampled_from([0.75, 0.5, 1.0, 0.6]),
    width=st.integers(1, 6),
)
def test_lrn(channels: int, size: int, beta: float, width: int) -> None:
    x = floats(2, 3, width, channels, scale=10)
    # onnxruntime takes odd sizes only; ONNX: from c - floor((size - 1) / 2) to c + ceil((size - 1) / 2)
    squares = np.pad(x.astype(np.float64) ** 2, ((0, 0),) * 3 + (((size - 1) // 2, size // 2),))
    sums = sum(squares[..., i : i + channels] for i in range(size))
    expected = x / (2 + 0.01 / size * sums) ** beta
    result = run("lrn_f32", [x], attributes={"size": size, "alpha": 0.01, "beta": beta, "bias": 2.0})
    np.testing.assert_allclose(result, expected, rtol=3e-6)
    if size % 2:
        judged = judge("LRN", [first_channel(x)], size=size, alpha=0.01, beta=beta, bias=2.0)[0]
        np.testing.assert_allclose(last_channel(judged), expected, rtol=1e-5)


COORDINATES = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("coordinates", COORDINATES)
@settings(max_examples=20, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 8), st.integers(1, 8), st.sampled_from([1, 3, 17])),
    out=st.tuples(st.integers(1, 17), st.integers(1, 17)),
    rounding=st.sampled_from(ROUNDINGS),
)
def test_resize(
    mode: str, coordinates: str, shape: tuple[int, int, int, int], out: tuple[int, int], rounding: str
) -> None:
    x = floats(*shape)
    sizes = np.array([shape[0], shape[3], *out])
    expected = judge(
        "Resize",
        [first_channel(x), None, None, sizes],
        mode=mode,
        coordinate_transformation_mode=coordinates,
        nearest_mode=rounding,
    )[0]
    attributes = {
        "mode": int(mode == "linear"),
        "coordinates": COORDINATES.index(coordinates),
        "nearest": ROUNDINGS.index(rounding),
        "out_h": out[0],
        "out_w": out[1],
        "scale_h": out[0] / shape[1],
        "scale_w": out[1] / shape[2],
    }
    np.testing.assert_allclose(
        run("resize_f32", [x], attributes=attributes), last_channel(expected), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(
    "change", [{"scale_h": 0.0}, {"scale_w": np.nan}, {"out_h": 0}, {"mode": 2}, {"nearest": 4}, {"coordinates": -1}]
)
def test_a_resize_to_nothing_is_refused(change: dict[str, float]) -> None:
    attributes = {"mode": 0, "coordinates": 0, "nearest": 0, "out_h": 2, "out_w": 2, "scale_h": 1.0, "scale_w": 1.0}
    with pytest.raises(SlimError):
        run("resize_f32", [floats(1, 2, 2, 1)], attributes={**attributes, **change})


def test_a_tie_of_a_scale_that_no_float_holds_is_a_tie() -> None:
    """2 / 7 is rounded, and 1 / (2 / 7) then lies below 3.5: onnxruntime takes pixel 4 nevertheless."""
    x = np.arange(7, dtype=np.float32).reshape(1, 7, 1, 1)
    attributes = {"mode": 0, "coordinates": 1, "nearest": 1, "out_h": 2, "out_w": 1, "scale_h": 2 / 7, "scale_w": 1.0}
    np.testing.assert_array_equal(run("resize_f32", [x], attributes=attributes).ravel(), [0, 4])
