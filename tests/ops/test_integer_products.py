"""Convolution and dense layers over bytes: the 32-bit sum, one float multiply, rounding to even, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from slim.core.format import Type
from slim.errors import SlimError
from slim.lower import panels
from tests.ops.programs import Given, constant, floats, integers, run, window
from tests.ops.reference import judge, last_channel
from tests.ops.sliding import Sliding, pairs, slidings

FLOATS = {"flo": -3.0e38, "fhi": 3.0e38}
FREE = {"lo": 0, "hi": 255, **FLOATS}
BYTES = {"image_scale": 0.0, "image_zero_point": 0}  # the image is bytes already


def finish(total: np.ndarray, multiplier: np.ndarray, zero_point: int, lo: int = 0, hi: int = 255) -> np.ndarray:
    """Bytes from 32-bit sums with the channel last."""
    value = np.clip(total.astype(np.float32) * multiplier, np.float32(lo - zero_point), np.float32(hi - zero_point))
    return (np.rint(value).astype(np.int32) + zero_point).astype(np.uint8)


def table(w: np.ndarray, bias: np.ndarray, multiplier: np.ndarray, zx: int) -> np.ndarray:
    """The channels' constants; w is (O, ...)."""
    sums = w.reshape(len(w), -1).astype(np.int64).sum(axis=1)
    return panels.channels(bias - zx * sums, sums, multiplier)


def convolve(x: np.ndarray, zx: int, w: np.ndarray, bias: np.ndarray, **attributes: object) -> np.ndarray:
    """Integer sums of a convolution, NHWC, by onnxruntime; padding holds the zero point."""
    image = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    total = judge(
        "ConvInteger",
        [image, w.astype(np.uint8) + np.uint8(128), np.array(zx, np.uint8), np.array(128, np.uint8)],
        **attributes,
    )[0]
    return last_channel(total) + bias


WINDOWS = slidings((10, 10), pairs(3, 3), (3, 3), (3, 3), 3)


@settings(max_examples=50, deadline=None)
@given(
    batch=st.sampled_from([1, 3]),
    slides=WINDOWS,
    groups=st.sampled_from([1, 1, 2]),
    channels=st.sampled_from([(1, 1), (3, 17), (17, 3), (32, 16), (70, 33)]),
    zx=st.integers(0, 255),
    zy=st.integers(0, 255),
    limits=st.tuples(st.integers(0, 255), st.integers(0, 255)).map(sorted),
    floating=st.booleans(),
)
@example(  # rows of output pixels that a window of three columns slides along
    batch=3,
    slides=Sliding((5, 21), (2, 3), (2, 1), (3, 1), (2, 0, 1, 3)),
    groups=1,
    channels=(17, 24),
    zx=77,
    zy=12,
    limits=[3, 250],
    floating=False,
)
@example(  # many of them, which share their pixels in bands
    batch=2,
    slides=Sliding((21, 19), (2, 3), (1, 1), (1, 1), (2, 1, 0, 1)),
    groups=1,
    channels=(5, 17),
    zx=77,
    zy=12,
    limits=[3, 250],
    floating=False,
)
@example(  # and with padding wider than the image
    batch=1,
    slides=Sliding((2, 1), (3, 3), (1, 1), (1, 1), (1, 20, 2, 3)),
    groups=1,
    channels=(3, 32),
    zx=77,
    zy=12,
    limits=[3, 250],
    floating=False,
)
@example(  # tiles of 4x4 pixels
    batch=3,
    slides=Sliding((18, 21), (3, 3), (1, 1), (1, 1), (1, 0, 1, 2)),
    groups=1,
    channels=(64, 41),
    zx=77,
    zy=12,
    limits=[3, 250],
    floating=False,
)
def test_conv_u8(
    batch: int,
    slides: Sliding,
    groups: int,
    channels: tuple[int, int],
    zx: int,
    zy: int,
    limits: list[int],
    floating: bool,
) -> None:
    c, o = channels
    x = integers(0, 255, batch, *slides.size, c * groups)
    w = integers(-127, 127, o * groups, c, *slides.kernel, dtype=np.int8)
    bias, multiplier = integers(-9999, 9999, o * groups, dtype=np.int32), np.abs(floats(o * groups, scale=0.001))
    total = convolve(x, zx, w, bias, group=groups, **slides.onnx)
    # (groups, O, C, taps) -> each group's panels
    split = w.reshape(groups, o, c, -1).transpose(0, 1, 3, 2)
    packed = np.concatenate([panels.gemm_u8(part) for part in split])
    constants = zip(split, bias.reshape(groups, -1), multiplier.reshape(groups, -1), strict=True)
    channel_table = np.concatenate([table(part, b, m, zx) for part, b, m in constants])
    attributes = {
        **slides.attributes,
        "groups": groups,
        "out_channels": o * groups,
        "lo": limits[0],
        "hi": limits[1],
        **FLOATS,
    }
    operands = [Given(x, zero_point=zx), constant(packed), constant(channel_table)]
    result = run("conv_u8", operands, Type.F32 if floating else Type.U8, attributes, zero_point=zy)
    expected = total.astype(np.float32) * multiplier if floating else finish(total, multiplier, zy, *limits)
    np.testing.assert_array_equal(result, expected)


@settings(max_examples=50, deadline=None)
@given(
    batch=st.sampled_from([1, 3]),
    slides=slidings((20, 20), pairs(3, 3) | st.just((7, 7)), (3, 3), (1, 1), 3),
    channels=st.integers(1, 4),
    outputs=st.sampled_from([1, 16, 33, 64]),
    zx=st.integers(0, 255),
    floating=st.booleans(),
)
def test_conv_image_u8(batch: int, slides: Sliding, channels: int, outputs: int, zx: int, floating: bool) -> None:
    x = integers(0, 255, batch, *slides.size, channels)
    w = integers(-127, 127, outputs, channels, *slides.kernel, dtype=np.int8)
    bias, multiplier = integers(-9999, 9999, outputs, dtype=np.int32), np.abs(floats(outputs, scale=0.001))
    total = convolve(x, zx, w, bias, **slides.onnx)
    planes = Given(np.ascontiguousarray(x.transpose(0, 3, 1, 2)), zero_point=zx)
    operands = [planes, constant(panels.image_u8(w)), constant(table(w, bias, multiplier, zx))]
    attributes = {**slides.attributes, "out_channels": outputs, "lo": 9, "hi": 250, **FLOATS, **BYTES}
    expected = total.astype(np.float32) * multiplier if floating else finish(total, multiplier, 77, 9, 250)
    kind = Type.F32 if floating else Type.U8
    np.testing.assert_array_equal(run("conv_image_u8", operands, kind, attributes, zero_point=77), expected)
    noise = floats(*planes.array.shape, scale=0.03).clip(-0.14, 0.14)
    operands[0] = (planes.array.astype(np.float32) - zx) * np.float32(0.3) + noise
    attributes |= {"image_scale": 0.3, "image_zero_point": zx}
    np.testing.assert_array_equal(run("conv_image_u8", operands, kind, attributes, zero_point=77), expected)


@pytest.mark.parametrize("change", [{"kernel_h": 0, "kernel_w": 0}, {"dilation_w": 2}, {"out_channels": 17}])
def test_a_convolution_of_an_image_that_does_not_fit_is_refused(change: dict[str, int]) -> None:
    w = integers(-127, 127, 16, 3, 2, 2, dtype=np.int8)
    operands = [
        Given(integers(0, 255, 1, 3, 8, 8), zero_point=3),
        constant(panels.image_u8(w)),
        constant(table(w, integers(-9, 9, 16, dtype=np.int32), np.abs(floats(16, scale=0.001)), 3)),
    ]
    attributes = {**window((2, 2), (1, 1), (1, 1), (0, 0, 0, 0)), "out_channels": 16, **FREE, **BYTES, **change}
    with pytest.raises(SlimError):
        run("conv_image_u8", operands, Type.U8, attributes, zero_point=7)


@pytest.mark.parametrize("change", [{"image_scale": 0.0}, {"image_scale": np.nan}, {"image_zero_point": 256}])
def test_an_image_of_floats_that_cannot_become_bytes_is_refused(change: dict[str, float]) -> None:
    w = integers(-127, 127, 16, 3, 2, 2, dtype=np.int8)
    of_channels = table(w, integers(-9, 9, 16, dtype=np.int32), np.abs(floats(16, scale=0.001)), 3)
    operands = [floats(1, 3, 8, 8), constant(panels.image_u8(w)), constant(of_channels)]
    attributes = {**window((2, 2)), "out_channels": 16, **FREE, "image_scale": 0.1, "image_zero_point": 3}
    run("conv_image_u8", operands, Type.U8, attributes, zero_point=7)
    with pytest.raises(SlimError):
        run("conv_image_u8", operands, Type.U8, {**attributes, **change}, zero_point=7)


@settings(max_examples=40, deadline=None)
@given(
    batch=st.sampled_from([1, 3]),
    slides=WINDOWS,
    channels=st.sampled_from([1, 3, 16, 17, 50]),
    zx=st.integers(0, 255),
    zy=st.integers(0, 255),
)
def test_depthwise_u8(batch: int, slides: Sliding, channels: int, zx: int, zy: int) -> None:
    x = integers(0, 255, batch, *slides.size, channels)
    w = integers(-127, 127, channels, 1, *slides.kernel, dtype=np.int8)
    bias, multiplier = integers(-9999, 9999, channels, dtype=np.int32), np.abs(floats(channels, scale=0.005))
    total = convolve(x, zx, w, bias, group=channels, **slides.onnx)
    operands = [
        Given(x, zero_point=zx),
        constant(panels.depthwise(w.reshape(channels, -1))),
        constant(table(w, bias, multiplier, zx)),
    ]
    attributes = {**slides.attributes, "lo": 5, "hi": 240}
    result = run("depthwise_u8", operands, Type.U8, attributes, zero_point=zy)
    np.testing.assert_array_equal(result, finish(total, multiplier, zy, 5, 240))


@pytest.mark.parametrize("floating", [False, True])
@settings(max_examples=40, deadline=None)
@given(
    rows=st.sampled_from([(1,), (3, 5), (300,)]),
    k=st.sampled_from([1, 4, 5, 130]),
    n=st.sampled_from([1, 16, 17, 300]),
    zx=st.integers(0, 255),
    zy=st.integers(0, 255),
)
def test_dense_u8(floating: bool, rows: tuple[int, ...], k: int, n: int, zx: int, zy: int) -> None:
    x, w = integers(0, 255, *rows, k), integers(-127, 127, n, k, dtype=np.int8)
    bias, multiplier = integers(-9999, 9999, n, dtype=np.int32), np.abs(floats(n, scale=0.001))
    total = (x.astype(np.int32) - zx) @ w.T.astype(np.int32) + bias
    operands = [Given(x, zero_point=zx), constant(panels.gemm_u8(w[:, None])), constant(table(w, bias, multiplier, zx))]
    result = run("dense_u8", operands, Type.F32 if floating else Type.U8, {"out_channels": n, **FREE}, zero_point=zy)
    expected = total.astype(np.float32) * multiplier if floating else finish(total, multiplier, zy)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    "change", [{"lo": -1}, {"hi": 256}, {"lo": 9, "hi": 8}, {"out_channels": 33}, {"out_channels": 0}]
)
def test_a_dense_layer_whose_constants_do_not_fit_is_refused(change: dict[str, int]) -> None:
    w = integers(-127, 127, 16, 8, dtype=np.int8)
    zero = np.zeros(16, np.int32)
    operands = [
        integers(0, 255, 2, 8),
        constant(panels.gemm_u8(w[:, None])),
        constant(table(w, zero, zero.astype(np.float32), 0)),
    ]
    with pytest.raises(SlimError):
        run("dense_u8", operands, Type.U8, {"out_channels": 16, **FREE, **change})
