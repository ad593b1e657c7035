"""On large images depthwise between pointwise convolutions, or after a first one, is one operator; nothing else is."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from tests.lower.test_layout import conv, image, kinds, weights
from tests.nets import assert_agrees, net

WEIGHTS = {"e": weights(48, 8, 1, 1), "d": weights(48, 1, 3, 3), "p": weights(8, 48, 1, 1), "s": weights(8, 8, 1, 1)}
CHAIN = [
    conv("x", "a", "s"),
    conv("a", "b", "e"),
    helper.make_node("Relu", ["b"], ["c"]),
    conv("c", "f", "d", group=48, pads=[1, 1, 1, 1]),
    helper.make_node("Clip", ["f", "zero", "six"], ["g"]),
    conv("g", "h", "p"),
    helper.make_node("Add", ["h", "a"], ["y"]),
]


def block(size: int, outputs: tuple[str, ...] = ("y",), nodes: list[onnx.NodeProto] = CHAIN) -> onnx.ModelProto:
    limits = {"zero": np.float32(0).reshape(()), "six": np.float32(6).reshape(())}
    return net(nodes, {"x": (1, 8, size, size)}, outputs, {**WEIGHTS, **limits})


def test_a_large_block_with_its_residual_is_one_operator() -> None:
    model = block(60)
    assert kinds(model) == ["transpose", "conv_f32", "bottleneck_f32", "transpose"]
    assert_agrees(model, {"x": image(1, 8, 60, 60)})


def test_a_large_depthwise_takes_the_projection_that_follows() -> None:
    nodes = [conv("x", "a", "e"), helper.make_node("HardSwish", ["a"], ["b"])]
    nodes += [conv("b", "c", "d", group=48, strides=[2, 2]), conv("c", "y", "p")]
    model = block(112, nodes=nodes)
    assert kinds(model)[-2:] == ["bottleneck_f32", "transpose"]
    assert_agrees(model, {"x": image(1, 8, 112, 112)})


STEM = [
    conv("x", "a", "f", strides=[2, 2], pads=[1, 1, 1, 1]),
    helper.make_node("Relu", ["a"], ["b"]),
    conv("b", "c", "d", group=48, pads=[1, 1, 1, 1]),
    conv("c", "y", "p"),
]


def stem(size: int, outputs: tuple[str, ...] = ("y",), projection: int = 8) -> onnx.ModelProto:
    own = {"f": weights(48, 3, 3, 3), "p": weights(projection, 48, 1, 1)}
    return net(STEM, {"x": (1, 3, size, size)}, outputs, {**WEIGHTS, **own})


def test_a_first_convolution_and_what_follows_are_one_operator() -> None:
    model = stem(120)
    assert kinds(model) == ["stem_f32", "transpose"]
    assert_agrees(model, {"x": image(1, 3, 120, 120)})


def test_a_small_first_convolution_stays_alone() -> None:
    assert kinds(stem(40)) == ["conv_image_f32", "depthwise_f32", "conv_f32", "transpose"]


def test_a_first_convolution_stays_alone_before_larger_outputs() -> None:
    assert kinds(stem(120, projection=64)) == ["conv_image_f32", "bottleneck_f32", "transpose"]


@pytest.mark.parametrize("value", ["a", "b", "c"])
def test_a_first_convolution_stays_alone_where_a_value_between_is_given_out(value: str) -> None:
    model = stem(120, ("y", value))
    assert "stem_f32" not in kinds(model)
    assert_agrees(model, {"x": image(1, 3, 120, 120)})


def test_a_small_block_keeps_three_operators() -> None:
    assert "bottleneck_f32" not in kinds(block(20))


@pytest.mark.parametrize("value", ["b", "c", "f", "g"])
def test_a_value_between_that_is_given_out_is_computed(value: str) -> None:
    model = block(60, ("y", value))
    assert "transpose" in kinds(model)[1:-1] or "bottleneck_f32" not in kinds(model)
    assert_agrees(model, {"x": image(1, 8, 60, 60)})
