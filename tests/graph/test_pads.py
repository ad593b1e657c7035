"""Pads go into the convolution or pooling that reads them, where that counts the same padding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slim.graph.pads import fold_pads
from slim.prune import remove_unused
from tests.graph.builder import apply, model_of, node, ops

WEIGHT = np.random.default_rng(4).normal(size=(4, 3, 3, 3)).astype(np.float32)
AMOUNT = st.integers(0, 2)


@settings(max_examples=30, deadline=None)
@given(pads=st.tuples(*[AMOUNT] * 4), own=st.tuples(*[AMOUNT] * 4), stride=st.integers(1, 2))
def test_a_pad_adds_to_a_convolutions_own(pads: tuple[int, ...], own: tuple[int, ...], stride: int) -> None:
    constants = {"w": WEIGHT, "k": [0, 0, *pads[:2], 0, 0, *pads[2:]]}
    nodes = [node("Pad", "x k", "p"), node("Conv", "p w", "y", pads=own, strides=[stride] * 2)]
    model = model_of(nodes, {"x": (1, 3, 5, 6)}, "y", constants)
    apply(model, fold_pads, remove_unused)
    assert ops(model) == {"Conv": 1}


@settings(max_examples=40, deadline=None)
@given(pads=st.tuples(*[AMOUNT] * 4), own=st.tuples(*[AMOUNT] * 4), counted=st.booleans())
def test_a_pad_before_an_average_counts(pads: tuple[int, ...], own: tuple[int, ...], counted: bool) -> None:
    nodes = [
        node("Pad", "x k", "p"),
        node("AveragePool", "p", "y", kernel_shape=[3, 3], pads=own, count_include_pad=int(counted)),
    ]
    model = model_of(nodes, {"x": (1, 3, 6, 6)}, "y", {"k": [0, 0, *pads[:2], 0, 0, *pads[2:]]})
    fits = max(first + second for first, second in zip(pads, own, strict=True)) < 3
    assert apply(model, fold_pads).changes == int(fits and (counted or not any(own)))


@pytest.mark.parametrize("first", [node("Relu", "x", "a"), node("Clip", "x zero", "a")])
def test_zeros_before_a_maximum_of_nothing_negative_are_padding(first: Any) -> None:
    nodes = [first, node("Pad", "a k", "p"), node("MaxPool", "p", "y", kernel_shape=[3, 3], strides=[2, 2])]
    model = model_of(nodes, {"x": (1, 3, 6, 6)}, "y", {"k": [0, 0, 1, 1, 0, 0, 1, 1], "zero": 0.0})
    assert apply(model, fold_pads, tolerance=0).changes == 1


def test_minus_infinity_before_a_maximum_is_padding() -> None:
    nodes = [node("Pad", "x k low", "p"), node("MaxPool", "p", "y", kernel_shape=[3, 3])]
    model = model_of(nodes, {"x": (1, 3, 6, 6)}, "y", {"k": [0, 0, 1, 1, 0, 0, 1, 1], "low": np.float32(-np.inf)})
    assert apply(model, fold_pads, tolerance=0).changes == 1


def test_every_reader_that_can_takes_the_pad() -> None:
    nodes = [node("Pad", "x k", "p"), node("Conv", "p w", "y"), node("Conv", "p w", "z"), node("Neg", "p", "t")]
    model = model_of(nodes, {"x": (1, 3, 6, 6)}, "y z t", {"w": WEIGHT, "k": [0, 0, 1, 0, 0, 0, 0, 1]})
    assert apply(model, fold_pads).changes == 2
    assert ops(model) == {"Pad": 1, "Conv": 2, "Neg": 1}


def test_axes_name_what_is_padded() -> None:
    nodes = [node("Pad", "x k - axes", "p"), node("Conv", "p w", "y")]
    model = model_of(nodes, {"x": (1, 3, 6, 6)}, "y", {"w": WEIGHT, "k": [1, 2], "axes": [-1]})
    apply(model, fold_pads, remove_unused)
    assert ops(model) == {"Conv": 1}


@pytest.mark.parametrize(
    ("pad", "reader", "constants"),
    [
        (node("Pad", "x k one", "p"), node("Conv", "p w", "y"), {}),
        (node("Pad", "x k", "p", mode="reflect"), node("Conv", "p w", "y"), {}),
        (node("Pad", "x k", "p"), node("Conv", "p w", "y", auto_pad="SAME_UPPER"), {}),
        (node("Pad", "x k", "p"), node("Conv", "p w", "y"), {"k": [0, 0, -1, 0, 0, 0, 0, 0]}),
        (node("Pad", "x k", "p"), node("Conv", "p v", "y"), {"k": [0, 1, 0, 0, 0, 0, 0, 0]}),
        (node("Pad", "x k", "p"), node("MaxPool", "p", "y", kernel_shape=[3, 3]), {}),
        (node("Pad", "x k", "p"), node("AveragePool", "p", "y", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1), {}),
        (node("Pad", "x k", "p"), node("ConvTranspose", "p t", "y"), {}),
    ],
    ids=["ones", "reflect", "automatic", "crop", "channels", "maximum", "ceil", "transposed"],
)
def test_a_pad_that_means_something_else_stays(pad: Any, reader: Any, constants: dict[str, Any]) -> None:
    weights = {"w": WEIGHT, "v": np.ones((2, 4, 3, 3), np.float32), "t": np.ones((3, 2, 3, 3), np.float32)}
    constants = weights | {"k": [0, 0, 1, 1, 0, 0, 1, 1], "one": 1.0} | constants
    model = model_of([pad, reader], {"x": (1, 3, 7, 7)}, "y", constants)
    assert apply(model, fold_pads).changes == 0
