"""Chains that only rearrange a tensor become one node or none."""

from __future__ import annotations

import itertools

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slim.graph.layout import merge_layout
from slim.graph.no_ops import remove_no_ops
from slim.graph.softmax import unwrap_softmax
from slim.prune import remove_unused
from tests.graph.builder import apply, model_of, node, operand, ops

PERMUTATIONS = st.sampled_from(list(itertools.permutations(range(3))))


@settings(max_examples=30, deadline=None)
@given(first=PERMUTATIONS, second=PERMUTATIONS, shape=st.tuples(*[st.integers(1, 3)] * 3))
def test_two_transposes_are_at_most_one_node(
    first: tuple[int, ...], second: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    nodes = [
        node("Exp", "x", "a"),
        node("Transpose", "a", "b", perm=first),
        node("Transpose", "b", "c", perm=second),
        node("Neg", "c", "y"),
    ]
    model = model_of(nodes, {"x": shape}, "y")
    apply(model, merge_layout, remove_unused, remove_no_ops, merge_layout, tolerance=0)
    apply(model, remove_no_ops, tolerance=0)
    assert len(model.graph) <= 3


def test_a_transpose_and_its_inverse_go_and_a_reader_between_keeps_the_first() -> None:
    nodes = [
        node("Transpose", "x", "b", perm=[2, 0, 1]),
        node("Transpose", "b", "c", perm=[1, 2, 0]),
        node("Neg", "c", "y"),
        node("Neg", "b", "z"),
    ]
    model = model_of(nodes, {"x": (2, 3, 4)}, "y z")
    apply(model, merge_layout, remove_no_ops, tolerance=0)
    assert ops(model) == {"Transpose": 1, "Neg": 2}


def test_a_transpose_of_axes_of_size_one_is_a_reshape() -> None:
    model = model_of([node("Transpose", "x", "y", perm=[0, 2, 3, 1])], {"x": (2, 5, 1, 1)}, "y")
    assert apply(model, merge_layout, tolerance=0).changes == 1
    assert ops(model) == {"Reshape": 1}


def test_reshapes_of_every_kind_become_one_that_leaves_the_batch_open() -> None:
    nodes = [
        node("Unsqueeze", "x axis", "a"),
        node("Reshape", "a shape", "b"),
        node("Squeeze", "b last", "c"),
        node("Flatten", "c", "y"),
    ]
    constants = {"axis": [1], "shape": [0, 3, 8, 1], "last": [3]}
    model = model_of(nodes, {"x": (2, 4, 6)}, "y", constants)
    apply(model, merge_layout, remove_unused, tolerance=0)
    assert ops(model) == {"Reshape": 1}
    assert operand(model.graph[0], 1).tolist() == [0, 24]


def test_a_reshape_before_a_transpose_is_left() -> None:
    nodes = [node("Reshape", "x s", "a"), node("Transpose", "a", "y", perm=[1, 0])]
    model = model_of(nodes, {"x": (2, 6)}, "y", {"s": [3, 4]})
    assert apply(model, merge_layout).changes == 0


@pytest.mark.parametrize(("middle", "merged"), [(onnx.TensorProto.DOUBLE, 1), (onnx.TensorProto.INT32, 0)])
def test_casts_merge_only_when_the_first_loses_nothing(middle: int, merged: int) -> None:
    nodes = [node("Cast", "x", "a", to=middle), node("Cast", "a", "y", to=onnx.TensorProto.FLOAT16)]
    model = model_of(nodes, {"x": (3, 3)}, "y")
    assert apply(model, merge_layout, tolerance=0).changes == merged


@pytest.mark.parametrize(("axis", "target", "merged"), [(-1, [6, 4], 1), (0, [6, 4], 0), (-1, [3, 8], 0)])
def test_a_softmax_between_reshapes_works_on_the_tensor_itself(axis: int, target: list[int], merged: int) -> None:
    nodes = [node("Reshape", "x t", "a"), node("Softmax", "a", "b", axis=axis), node("Reshape", "b s", "y")]
    model = model_of(nodes, {"x": (2, 3, 4)}, "y", {"t": target, "s": [2, 3, 4]})
    assert apply(model, unwrap_softmax).changes == merged


def test_a_softmax_whose_rows_are_read_elsewhere_is_left() -> None:
    nodes = [node("Reshape", "x t", "a"), node("Softmax", "a", "b", axis=-1), node("Reshape", "b s", "y")]
    model = model_of(nodes, {"x": (2, 3, 4)}, "b y", {"t": [6, 4], "s": [2, 3, 4]})
    assert apply(model, unwrap_softmax).changes == 0


def test_an_empty_tensor_is_left() -> None:
    nodes = [node("Reshape", "x s", "a"), node("Flatten", "a", "y")]
    model = model_of(nodes, {"x": (0, 4)}, "y", {"s": np.array([2, 0], np.int64)}, infer=False)
    assert merge_layout(model).changes == 0
