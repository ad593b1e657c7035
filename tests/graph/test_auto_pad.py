"""Automatic padding becomes the numbers that onnxruntime makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slim.graph.auto_pad import explicit_pads
from tests.graph.builder import assert_close, model_of, node, run


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(["Conv", "AveragePool", "MaxPool"]),
    mode=st.sampled_from(["SAME_UPPER", "SAME_LOWER"]),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    size=st.tuples(st.integers(4, 9), st.integers(4, 9)),
)
def test_same_padding(
    kind: str, mode: str, kernel: tuple[int, ...], strides: tuple[int, ...], size: tuple[int, ...]
) -> None:
    if kind != "Conv":  # onnxruntime itself computes a negative padding there
        assume(all(step <= taps for step, taps in zip(strides, kernel, strict=True)))
    inputs, attributes = ("x", {"kernel_shape": kernel}) if kind != "Conv" else ("x w", {})
    weight = np.random.default_rng(0).normal(size=(2, 3, *kernel)).astype(np.float32)
    step = node(kind, inputs, "y", auto_pad=mode, strides=strides, **attributes)
    model = model_of([step], {"x": (1, 3, *size)}, "y", {"w": weight}, infer=False)
    before = run(model)
    assert explicit_pads(model).changes == 1
    assert "auto_pad" not in model.graph[0].attributes
    assert_close(before, run(model), tolerance=1e-5)


@pytest.mark.parametrize(
    ("taps", "stride", "dilation", "mode", "pads"),
    [
        (4, 2, 1, "SAME_UPPER", [1, 1, 2, 2]),  # 5 inputs, so 3 outputs; they span 2 * 2 + 4 = 8: 3 zeros
        (4, 2, 1, "SAME_LOWER", [2, 2, 1, 1]),
        (2, 1, 3, "SAME_UPPER", [1, 1, 2, 2]),  # 5 outputs; 2 taps 3 apart span 4, all of them 4 + 4 = 8: 3 zeros
        (1, 4, 1, "SAME_UPPER", [0, 0, 0, 0]),  # 2 outputs span 5: none
    ],
)
def test_by_hand(taps: int, stride: int, dilation: int, mode: str, pads: list[int]) -> None:
    weight = np.ones((1, 1, taps, taps), np.float32)
    step = node("Conv", "x w", "y", auto_pad=mode, strides=[stride] * 2, dilations=[dilation] * 2)
    model = model_of([step], {"x": (1, 1, 5, 5)}, "y", {"w": weight})
    explicit_pads(model)
    assert list(model.graph[0].attributes.get_ints("pads")) == pads


@pytest.mark.parametrize("mode", ["VALID", "NOTSET"])
def test_the_default_is_not_spelled_out(mode: str) -> None:
    weight = np.ones((1, 1, 3, 3), np.float32)
    model = model_of([node("Conv", "x w", "y", auto_pad=mode)], {"x": (1, 1, 5, 5)}, "y", {"w": weight})
    before = run(model)
    assert explicit_pads(model).changes == 1
    assert_close(before, run(model), tolerance=0)


def test_an_unknown_shape_is_left() -> None:
    model = model_of([node("MaxPool", "x", "y", auto_pad="SAME_UPPER", kernel_shape=[2, 2])], {"x": (1, 1, 5, 5)}, "y")
    model.graph.inputs[0].shape = None
    assert explicit_pads(model).changes == 0
