"""Pools, elementwise and first-layer kernels of every instruction set of this machine, on random shapes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slim.core.format import Type
from slim.core.operators import Binary, Unary
from slim.errors import SlimError
from slim.lower import panels
from slim.runtime import ISAS, Session
from tests.ops.programs import Operand, constant, floats, program, window

SETTINGS = settings(max_examples=25, deadline=None)
FREE = {"lo": -np.inf, "hi": np.inf}


@pytest.fixture(scope="module", params=[isa for isa in ISAS if isa != "auto"])
def isa(request: pytest.FixtureRequest) -> str:
    image, _ = program("unary_f32", [floats(1)], (Type.F32,), {"mode": Unary.NEG, "alpha": 0.0, "beta": 0.0})
    try:
        Session(image, isa=request.param).close()
    except SlimError:
        pytest.skip(f"this processor has no {request.param}")
    return str(request.param)


def run(isa: str, kind: str, operands: list[Operand], attributes: dict[str, float]) -> np.ndarray:
    image, feeds = program(kind, operands, (Type.F32,), attributes)
    session = Session(image, isa=isa)
    result = session.run(feeds)["y0"]
    session.close()
    return result


@SETTINGS
@given(
    size=st.tuples(st.integers(1, 14), st.integers(1, 14)),
    channels=st.integers(1, 150),
    kernel=st.tuples(st.integers(1, 10), st.integers(1, 9)),
    stride=st.integers(1, 3),
)
def test_pools(isa: str, size: tuple[int, int], channels: int, kernel: tuple[int, int], stride: int) -> None:
    kernel = (min(kernel[0], size[0]), min(kernel[1], size[1]))
    x = floats(2, *size, channels)
    slides = np.lib.stride_tricks.sliding_window_view(x, kernel, (1, 2))[:, ::stride, ::stride]
    attributes = window(kernel, (stride, stride))
    np.testing.assert_array_equal(run(isa, "max_pool", [x], attributes), slides.max((4, 5)))
    means = run(
        isa, "average_pool_f32", [x], {**attributes, "count_include_pad": 0, "extra_bottom": 0, "extra_right": 0}
    )
    np.testing.assert_allclose(means, slides.mean((4, 5)), rtol=1e-5, atol=1e-6)


def first_layer(
    isa: str,
    kind: str,
    size: tuple[int, int],
    channels: int,
    outputs: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pads: tuple[int, int, int, int],
    tolerance: float,
) -> None:
    x, w, bias = floats(2, channels, *size), floats(outputs, channels, *kernel), floats(outputs)
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    slides = np.lib.stride_tricks.sliding_window_view(padded, kernel, (2, 3))[:, :, :: stride[0], :: stride[1]]
    expected = np.einsum("nchwyx,ocyx->nhwo", slides, w, optimize=True) + bias
    packed = constant(panels.gemm_f32(w.transpose(0, 2, 3, 1).reshape(outputs, -1)))
    attributes = {**window(kernel, stride, pads=pads), "out_channels": outputs, "lo": -8.0, "hi": 15.0}
    got = run(isa, kind, [x, packed, constant(panels.vector(bias))], attributes)
    np.testing.assert_allclose(got, expected.clip(-8, 15), rtol=0, atol=tolerance * max(abs(expected).max(), 1))


@SETTINGS
@given(
    size=st.tuples(st.integers(8, 40), st.integers(8, 150)),
    channels=st.integers(1, 4),
    outputs=st.integers(1, 50),
    kernel=st.tuples(st.integers(5, 8), st.integers(5, 8)),
    pads=st.tuples(*[st.integers(0, 9)] * 4),
)
def test_winograd_of_an_image(
    isa: str,
    size: tuple[int, int],
    channels: int,
    outputs: int,
    kernel: tuple[int, int],
    pads: tuple[int, int, int, int],
) -> None:
    first_layer(isa, "winograd_image_f32", size, channels, outputs, kernel, (2, 2), pads, 2e-5)


@SETTINGS
@given(
    kind=st.sampled_from(["conv_image_f32", "conv_narrow_f32"]),
    size=st.tuples(st.integers(5, 60), st.integers(5, 100)),
    channels=st.integers(1, 4),
    outputs=st.integers(1, 70),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    pads=st.tuples(*[st.integers(0, 6)] * 4),
)
def test_convolution_of_an_image(
    isa: str,
    kind: str,
    size: tuple[int, int],
    channels: int,
    outputs: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pads: tuple[int, int, int, int],
) -> None:
    first_layer(isa, kind, size, channels, outputs, kernel, stride, pads, 1e-6)


@SETTINGS
@given(
    size=st.tuples(st.integers(3, 40), st.integers(3, 60)),
    channels=st.integers(1, 150),
    outputs=st.integers(1, 70),
    pads=st.tuples(*[st.integers(0, 4)] * 4),
    residual=st.booleans(),
)
def test_winograd_with_stride_2(
    isa: str, size: tuple[int, int], channels: int, outputs: int, pads: tuple[int, int, int, int], residual: bool
) -> None:
    x, w, bias = floats(2, *size, channels), floats(outputs, channels, 3, 3), floats(outputs)
    padded = np.pad(x.astype(np.float64), ((0, 0), (pads[0], pads[2]), (pads[1], pads[3]), (0, 0)))
    slides = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))[:, ::2, ::2]
    expected = np.einsum("nhwcyx,ocyx->nhwo", slides, w, optimize=True) + bias
    packed = constant(panels.gemm_f32(w.transpose(0, 2, 3, 1).reshape(outputs, -1)))
    operands: list[Operand] = [x, packed, constant(panels.vector(bias))]
    if residual:
        operands.append(floats(*expected.shape))
        expected += operands[-1]
    attributes = {**window((3, 3), (2, 2), pads=pads), "groups": 1, "out_channels": outputs, "lo": -8.0, "hi": 15.0}
    got = run(isa, "winograd_stride2_f32", operands, attributes)
    np.testing.assert_allclose(got, expected.clip(-8, 15), rtol=0, atol=2e-5 * max(abs(expected).max(), 1))


@pytest.mark.parametrize("change", [{"kernel_h": 4}, {"stride_w": 1}, {"dilation_h": 2}, {"groups": 2}])
def test_a_winograd_with_stride_2_that_does_not_fit_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(SlimError, match="window"):
        stride_2(np.zeros((1, 3, 10, 16), np.float32), change)


def test_a_winograd_with_stride_2_refuses_very_wide_images() -> None:
    with pytest.raises(SlimError, match="wide"):
        stride_2(np.zeros((1, 3, 120_000, 40), np.float32), {})


def stride_2(x: np.ndarray, change: dict[str, int]) -> np.ndarray:
    channels = x.shape[-1]
    packed = constant(panels.gemm_f32(floats(16, 9 * channels)))
    attributes = {**window((3, 3), (2, 2)), "groups": 1, "out_channels": 16, **FREE, **change}
    return run("auto", "winograd_stride2_f32", [x, packed, constant(panels.vector(floats(16)))], attributes)


@SETTINGS
@given(
    batch=st.integers(1, 2),
    size=st.tuples(st.integers(1, 14), st.integers(1, 14)) | st.tuples(*[st.integers(11, 13)] * 2),
    channels=st.integers(1, 130),
    outputs=st.integers(1, 70),
    pads=st.tuples(*[st.integers(1, 3)] * 4) | st.just((1, 1, 1, 1)),
    residual=st.booleans(),
)
def test_winograd_of_few_tiles(
    isa: str,
    batch: int,
    size: tuple[int, int],
    channels: int,
    outputs: int,
    pads: tuple[int, int, int, int],
    residual: bool,
) -> None:
    x, w, bias = floats(batch, *size, channels), floats(outputs, 3, 3, channels), floats(outputs)
    padded = np.pad(x.astype(np.float64), ((0, 0), (pads[0], pads[2]), (pads[1], pads[3]), (0, 0)))
    slides = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
    expected = np.einsum("nhwcyx,oyxc->nhwo", slides, w, optimize=True) + bias
    packed = constant(panels.winograd_f32(w.reshape(outputs, 9, -1)))
    operands: list[Operand] = [x, packed, constant(panels.vector(bias))]
    if residual:
        more = floats(*expected.shape)
        operands, expected = [*operands, more], expected + more
    attributes = {**window((3, 3), pads=pads), "groups": 1, "out_channels": outputs, "lo": -8.0, "hi": 15.0}
    got = run(isa, "winograd_f32", operands, attributes)
    np.testing.assert_allclose(got, expected.clip(-8, 15), rtol=0, atol=4e-5 * max(abs(expected).max(), 1))


@pytest.mark.parametrize("change", [{"kernel_h": 4}, {"stride_w": 1}, {"dilation_h": 2}, {"out_channels": 17}])
def test_a_winograd_of_an_image_that_does_not_fit_is_refused(change: dict[str, int]) -> None:
    x, w = floats(1, 3, 20, 20), floats(16, 3, 5, 5)
    packed = constant(panels.gemm_f32(w.transpose(0, 2, 3, 1).reshape(16, -1)))
    attributes = {**window((5, 5), (2, 2)), "out_channels": 16, **FREE, **change}
    with pytest.raises(SlimError, match=r"window|weights"):
        run("auto", "winograd_image_f32", [x, packed, constant(panels.vector(floats(16)))], attributes)


@SETTINGS
@given(
    rows=st.integers(40, 300),
    half=st.one_of(st.integers(1, 40), st.just(512)),  # of 512, rows meet in a set of the cache: they are copied
    outputs=st.integers(17, 150),
    residual=st.booleans(),
)
def test_strassen(isa: str, rows: int, half: int, outputs: int, residual: bool) -> None:
    x, w, b, more = floats(rows, 2 * half), floats(outputs, 2 * half), floats(outputs), floats(rows, outputs)
    operands = [x, constant(panels.gemm_f32(w)), constant(panels.vector(b))] + [more] * residual
    got = run(isa, "strassen_f32", operands, {"stride_h": 1, "stride_w": 1, "out_channels": outputs, **FREE})
    expected = x.astype(np.float64) @ w.T + b + (more if residual else 0)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=2e-6 * (half + 50))


@pytest.mark.parametrize("residual", [False, True])
def test_products_fetch_large_outputs(isa: str, residual: bool) -> None:
    x, w, b, more = floats(1, 35, 31, 50), floats(256, 50), floats(256), floats(1, 35, 31, 256)
    operands = [x, constant(panels.gemm_f32(w)), constant(panels.vector(b))] + [more] * residual
    expected = x.astype(np.float64) @ w.T + b + (more if residual else 0)
    for kind, attributes in (
        ("conv_f32", {**window((1, 1)), "groups": 1, "out_channels": 256, **FREE}),
        ("strassen_f32", {"stride_h": 1, "stride_w": 1, "out_channels": 256, **FREE}),
    ):
        np.testing.assert_allclose(run(isa, kind, operands, attributes), expected, rtol=1e-4, atol=1e-4)


@SETTINGS
@given(rows=st.integers(1, 40), channels=st.integers(1, 150), shape=st.sampled_from(["same", "row", "column"]))
def test_sums_and_products(isa: str, rows: int, channels: int, shape: str) -> None:
    x = floats(rows, channels)
    y = floats(*{"same": (rows, channels), "row": (1, channels), "column": (rows, 1)}[shape])
    for a, b in ((x, y), (y, x)):
        np.testing.assert_array_equal(run(isa, "binary_f32", [a, b], {"mode": Binary.ADD, **FREE}), a + b)
        np.testing.assert_array_equal(run(isa, "binary_f32", [a, b], {"mode": Binary.MUL, **FREE}), a * b)
        clamped = run(isa, "binary_f32", [a, b], {"mode": Binary.MUL, "lo": -0.5, "hi": 0.25})
        np.testing.assert_array_equal(clamped, np.clip(a * b, np.float32(-0.5), np.float32(0.25)))


@SETTINGS
@given(count=st.integers(1, 9000), scale=st.sampled_from([1.0, 10.0]))
def test_hard_swish(isa: str, count: int, scale: float) -> None:
    x = floats(count, scale=scale)
    expected = x * np.clip(x.astype(np.float64) / 6 + 0.5, 0, 1)
    got = run(isa, "unary_f32", [x], {"mode": Unary.HARD_SWISH, "alpha": 0.0, "beta": 0.0})
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
