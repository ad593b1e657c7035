"""Layouts are slim's own affair: whatever the graph does to its axes, the outputs are the graph's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from slim.lower import lower
from tests.nets import assert_agrees, net

rng = np.random.default_rng(3)


def conv(x: str, y: str, weights: str, **attributes: object) -> object:
    return helper.make_node("Conv", [x, weights], [y], name=y, **attributes)


def weights(*shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


def image(*shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


def kinds(model: object) -> list[str]:
    """The operators of the lowered program, in order."""
    import onnx_ir as ir

    from slim.core import format as fmt
    from slim.core.operators import OPERATORS

    program = bytes(lower(ir.from_proto(model)))
    header = fmt.layout(fmt.HEADER).unpack_from(program)
    names = {op.code: op.name for op in OPERATORS.values()}
    record = fmt.layout(fmt.OPERATOR)
    return [names[record.unpack_from(program, header[8] + i * record.size)[0]] for i in range(header[4])]


def test_a_transpose_to_channels_last_costs_nothing() -> None:
    nodes = [conv("x", "c", "w"), helper.make_node("Transpose", ["c"], ["y"], perm=[0, 2, 3, 1])]
    model = net(nodes, {"x": (1, 3, 5, 6)}, ["y"], {"w": weights(7, 3, 1, 1)})
    assert kinds(model) == ["transpose", "conv_f32"]
    assert_agrees(model, {"x": image(1, 3, 5, 6)})


def test_a_channel_shuffle_is_one_transpose() -> None:
    nodes = [
        conv("x", "c", "w"),
        helper.make_node("Reshape", ["c", "split"], ["s"]),
        helper.make_node("Transpose", ["s"], ["t"], perm=[0, 2, 1, 3, 4]),
        helper.make_node("Reshape", ["t", "merge"], ["m"]),
        conv("m", "y", "w2"),
    ]
    constants = {
        "w": weights(8, 4, 1, 1),
        "w2": weights(8, 8, 1, 1),
        "split": np.array([1, 2, 4, 5, 6]),
        "merge": np.array([1, 8, 5, 6]),
    }
    model = net(nodes, {"x": (1, 4, 5, 6)}, ["y"], constants)
    between = kinds(model)[2:-2]
    assert between.count("transpose") == 1
    assert_agrees(model, {"x": image(1, 4, 5, 6)})


@pytest.mark.parametrize("other", [(1, 6, 1, 1), (6, 1, 1), (5, 6), (1,), (2, 1, 5, 6), (1, 6, 5, 1)])
def test_constants_broadcast_against_channels_last(other: tuple[int, ...]) -> None:
    nodes = [
        conv("x", "c", "w"),
        helper.make_node("Mul", ["c", "k"], ["m"]),
        helper.make_node("Sub", ["k", "m"], ["y"]),
    ]
    model = net(nodes, {"x": (2, 3, 5, 6)}, ["y"], {"w": weights(6, 3, 3, 3)[:, :, :1, :1], "k": weights(*other)})
    assert_agrees(model, {"x": image(2, 3, 5, 6)})


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
def test_concat_slice_and_softmax_along_any_axis(axis: int) -> None:
    nodes = [
        conv("x", "a", "w"),
        conv("x", "b", "w"),
        helper.make_node("Concat", ["a", "b", "x"], ["c"], axis=axis),
        helper.make_node("Slice", ["c", "start", "end", "axes"], ["s"]),
        helper.make_node("Softmax", ["s"], ["y"], axis=axis),
    ]
    constants = {"w": weights(3, 3, 1, 1), "start": np.array([1]), "end": np.array([1 << 40]), "axes": np.array([axis])}
    assert_agrees(net(nodes, {"x": (2, 3, 4, 5)}, ["y"], constants), {"x": image(2, 3, 4, 5)})


def test_flatten_after_a_convolution_reads_channels_first() -> None:
    nodes = [
        conv("x", "c", "w"),
        helper.make_node("Flatten", ["c"], ["f"]),
        helper.make_node("MatMul", ["f", "d"], ["y"]),
    ]
    model = net(nodes, {"x": (3, 2, 4, 5)}, ["y"], {"w": weights(6, 2, 1, 1), "d": weights(120, 9)})
    assert_agrees(model, {"x": image(3, 2, 4, 5)})


def test_an_output_may_also_be_an_input_or_given_twice() -> None:
    nodes = [
        helper.make_node("Identity", ["x"], ["y"]),
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Identity", ["a"], ["b"]),
    ]
    assert_agrees(net(nodes, {"x": (2, 3)}, ["y", "a", "b"]), {"x": image(2, 3)})


def test_one_dimensional_convolution_and_pooling() -> None:
    nodes = [
        conv("x", "c", "w", pads=[1, 1], strides=[2]),
        helper.make_node("MaxPool", ["c"], ["p"], kernel_shape=[2]),
        helper.make_node("Relu", ["p"], ["y"]),
    ]
    model = net(nodes, {"x": (2, 5, 19)}, ["y"], {"w": weights(17, 5, 3)})
    assert_agrees(model, {"x": image(2, 5, 19)})


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(4)), st.integers(1, 5), st.integers(1, 17))
def test_any_transpose_then_reduction(perm: list[int], height: int, channels: int) -> None:
    nodes = [
        conv("x", "c", "w"),
        helper.make_node("Transpose", ["c"], ["t"], perm=perm),
        helper.make_node("ReduceMax", ["t", "axes"], ["r"], keepdims=0),
        helper.make_node("Relu", ["r"], ["y"]),
    ]
    model = net(nodes, {"x": (2, 3, height, 4)}, ["y"], {"w": weights(channels, 3, 1, 1), "axes": np.array([1, 3])})
    assert_agrees(model, {"x": image(2, 3, height, 4)})
