"""Expansion or first convolution, depthwise, projection as one operator against three that onnxruntime computes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slim.errors import SlimError
from slim.lower import panels
from tests.ops.programs import Operand, constant, floats, run, window
from tests.ops.reference import first_channel, judge, last_channel
from tests.ops.sliding import Sliding, pairs, slidings


def operands(x: np.ndarray, filters: list[np.ndarray | None], biases: list[np.ndarray | None]) -> list[Operand]:
    """x and packed weights with their biases, of expansion (or None), depthwise and projection."""
    packed: list[Operand] = [x]
    for i, (weights, bias) in enumerate(zip(filters, biases, strict=True)):
        if weights is None or bias is None:
            packed += [None, None]
            continue
        pack = panels.depthwise if i == 1 else panels.gemm_f32
        packed += [
            constant(pack(weights.transpose(0, 2, 3, 1).reshape(len(weights), -1))),
            constant(panels.vector(bias)),
        ]
    return packed


@settings(max_examples=60, deadline=None)
@given(
    batch=st.sampled_from([1, 2]),
    slides=slidings((24, 20), pairs(5, 5), (3, 2), (2, 2), 4),
    inputs=st.integers(1, 20),
    channels=st.sampled_from([1, 16, 17, 40]),
    outputs=st.sampled_from([1, 16, 24, 33]),
    expands=st.booleans(),
    residual=st.booleans(),
)
def test_bottleneck_f32(
    batch: int, slides: Sliding, inputs: int, channels: int, outputs: int, expands: bool, residual: bool
) -> None:
    inputs = inputs if expands else channels
    x = floats(batch, *slides.size, inputs)
    filters = [floats(channels, inputs, 1, 1), floats(channels, 1, *slides.kernel), floats(outputs, channels, 1, 1)]
    biases = [floats(channels), floats(channels), floats(outputs)]
    middle = first_channel(x)
    if expands:
        middle = np.clip(judge("Conv", [middle, filters[0], biases[0]])[0], -0.5, 2.0)
    middle = np.clip(judge("Conv", [middle, filters[1], biases[1]], group=channels, **slides.onnx)[0], 0.0, 6.0)
    expected = last_channel(judge("Conv", [middle, filters[2], biases[2]])[0])
    added = [floats(*expected.shape)] if residual else []
    expected = np.clip(expected + sum(added), -3.0, 30.0)
    limits = {"expand_lo": -0.5, "expand_hi": 2.0, "depthwise_lo": 0.0, "depthwise_hi": 6.0, "lo": -3.0, "hi": 30.0}
    attributes = {**slides.attributes, "channels": channels, "out_channels": outputs, **limits}
    packed = operands(x, filters if expands else [None, *filters[1:]], biases if expands else [None, *biases[1:]])
    result = run("bottleneck_f32", [*packed, *added], attributes=attributes)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 4), st.integers(1, 40), st.integers(1, 40)),
    channels=st.sampled_from([1, 16, 17, 32]),
    outputs=st.sampled_from([1, 16, 24]),
    kernels=st.tuples(*[st.integers(1, 5)] * 4),
    strides=st.tuples(*[st.integers(1, 3)] * 4),
    image_pads=st.tuples(*[st.integers(0, 3)] * 4),
    pads=st.tuples(*[st.integers(0, 3)] * 4),
)
def test_stem_f32(
    shape: tuple[int, int, int, int],
    channels: int,
    outputs: int,
    kernels: tuple[int, int, int, int],
    strides: tuple[int, int, int, int],
    image_pads: tuple[int, int, int, int],
    pads: tuple[int, int, int, int],
) -> None:
    size = shape[2:]
    for first, added in ((0, image_pads), (2, pads)):
        spans = [size[axis] + added[axis] + added[axis + 2] - kernels[first + axis] for axis in (0, 1)]
        assume(min(spans) >= 0)
        size = (spans[0] // strides[first] + 1, spans[1] // strides[first + 1] + 1)
    x = floats(*shape)
    filters = [
        floats(channels, shape[1], *kernels[:2]),
        floats(channels, 1, *kernels[2:]),
        floats(outputs, channels, 1, 1),
    ]
    biases = [floats(channels), floats(channels), floats(outputs)]
    y = judge("Conv", [x, filters[0], biases[0]], strides=strides[:2], pads=image_pads)[0]
    y = np.clip(y, -0.5, 2.0)
    y = judge("Conv", [y, filters[1], biases[1]], group=channels, strides=strides[2:], pads=pads)[0]
    y = judge("Conv", [np.clip(y, 0.0, 6.0), filters[2], biases[2]])[0]
    image = window(kernels[:2], strides[:2], pads=image_pads)
    limits = {"expand_lo": -0.5, "expand_hi": 2.0, "depthwise_lo": 0.0, "depthwise_hi": 6.0, "lo": -3.0, "hi": 30.0}
    attributes = {
        **window(kernels[2:], strides[2:], pads=pads),
        **{f"image_{name}": value for name, value in image.items()},
        **limits,
        "channels": channels,
        "out_channels": outputs,
    }
    result = run("stem_f32", operands(x, list(filters), list(biases)), attributes=attributes)
    np.testing.assert_allclose(result, np.clip(last_channel(y), -3.0, 30.0), rtol=1e-4, atol=1e-4)


def test_rows_that_leave_the_cache_are_taken_fewer_at_a_time() -> None:
    x = floats(1, 9, 300, 8)
    filters = [floats(200, 8, 1, 1), floats(200, 1, 3, 3), floats(5, 200, 1, 1)]
    biases = [floats(200), floats(200), floats(5)]
    middle = judge("Conv", [first_channel(x), filters[0], biases[0]])[0]
    middle = judge("Conv", [middle, filters[1], biases[1]], group=200, pads=[1, 1, 1, 1])[0]
    expected = last_channel(judge("Conv", [middle, filters[2], biases[2]])[0])
    free = {
        f"{part}{end}": value for part in ("expand_", "depthwise_", "") for end, value in (("lo", -1e9), ("hi", 1e9))
    }
    attributes = {**window((3, 3), pads=(1, 1, 1, 1)), "channels": 200, "out_channels": 5, **free}
    result = run("bottleneck_f32", operands(x, filters, biases), attributes=attributes)
    np.testing.assert_allclose(result, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": 40}, {"channels": -1}, {"out_channels": 40}, {"out_channels": 0}, {"kernel_h": 2}, {"kernel_h": 0},
        {"image_kernel_w": 2}, {"image_kernel_h": 0}, {"image_dilation_w": 2}, {"image_stride_h": 0},
        {"image_pad_top": -1},
    ],
)  # fmt: skip
def test_a_first_convolution_that_does_not_fit_is_refused(wrong: dict[str, int]) -> None:
    filters = [floats(20, 3, 3, 3), floats(20, 1, 3, 3), floats(9, 20, 1, 1)]
    given = operands(floats(1, 3, 60, 9), list(filters), [floats(20), floats(20), floats(9)])
    free = {f"{part}{end}": 0.0 for part in ("expand_", "depthwise_", "") for end in ("lo", "hi")}
    image = {f"image_{name}": size for name, size in window((3, 3)).items()}
    attributes = {**window((3, 3)), "channels": 20, "out_channels": 9, **free, **image}
    run("stem_f32", given, attributes=attributes)
    with pytest.raises(SlimError):
        run("stem_f32", given, attributes={**attributes, **wrong})


@pytest.mark.parametrize("wrong", ["channels", "out_channels", "kernel_h"])
def test_weights_that_do_not_fit_are_refused(wrong: str) -> None:
    filters, biases = [None, floats(20, 1, 3, 3), floats(9, 20, 1, 1)], [None, floats(20), floats(9)]
    free = {f"{part}{end}": 0.0 for part in ("expand_", "depthwise_", "") for end in ("lo", "hi")}
    attributes = {**window((3, 3)), "channels": 20, "out_channels": 9, **free}
    attributes[wrong] = 40
    with pytest.raises(SlimError):
        run("bottleneck_f32", operands(floats(1, 60, 6, 20), filters, biases), attributes=attributes)
