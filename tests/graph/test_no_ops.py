"""Nodes that give their input back go; their near twins stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from slim.graph.no_ops import remove_no_ops
from tests.graph.builder import apply, model_of, node, ops

SHAPE = (1, 3, 4, 4)
FLOAT = onnx.TensorProto.FLOAT
NOTHING = [
    (node("Reshape", "a k", "b"), {"k": [1, 3, -1, 4]}),
    (node("Unsqueeze", "a k", "b"), {"k": np.zeros(0, np.int64)}),
    (node("Expand", "a k", "b"), {"k": [1, 4, 1]}),
    (node("Tile", "a k", "b"), {"k": [1, 1, 1, 1]}),
    (node("Resize", "a - k", "b"), {"k": [1.0, 1.0, 1.0, 1.0]}),
    (node("Transpose", "a", "b", perm=[0, 1, 2, 3]), {}),
    (node("Cast", "a", "b", to=FLOAT), {}),
    (node("Slice", "a k l", "b"), {"k": [0, 0], "l": [9, 9]}),
    (node("Pad", "a k", "b"), {"k": [0] * 8}),
    (node("Concat", "a", "b", axis=1), {}),
    (node("Max", "a", "b"), {}),
    (node("Split", "a", "b", axis=1, num_outputs=1), {}),
    (node("Add", "k a", "b"), {"k": np.zeros((3, 1, 1), np.float32)}),
    (node("Sub", "a k", "b"), {"k": 0.0}),
    (node("Mul", "a k", "b"), {"k": 1.0}),
    (node("Div", "a k", "b"), {"k": 1.0}),
    (node("Pow", "a k", "b"), {"k": 1.0}),
    (node("Clip", "a", "b"), {}),
]
SOMETHING = [
    (node("Reshape", "a k", "b"), {"k": [1, 4, 3, 4]}),
    (node("Transpose", "a", "b", perm=[0, 1, 3, 2]), {}),
    (node("Cast", "a", "b", to=onnx.TensorProto.DOUBLE), {}),
    (node("Slice", "a k l m n", "b"), {"k": [-1], "l": [-9], "m": [3], "n": [-1]}),
    (node("Slice", "a k l m", "b"), {"k": [1], "l": [9], "m": [1]}),
    (node("Pad", "a k", "b"), {"k": [0, 0, 0, 0, 0, 0, 0, 1]}),
    (node("Add", "k a", "b"), {"k": np.zeros((2, 1, 1, 1), np.float32)}),
    (node("Sub", "k a", "b"), {"k": 0.0}),
    (node("Div", "k a", "b"), {"k": 1.0}),
    (node("Mul", "a k", "b"), {"k": np.array([1, 1, 1, 2], np.float32)}),
    (node("Clip", "a k", "b"), {"k": -1.0}),
]


def name(case: tuple[onnx.NodeProto, dict[str, Any]]) -> str:
    return str(case[0].op_type)


@pytest.mark.parametrize("case", NOTHING, ids=name)
def test_a_node_that_changes_nothing_goes(case: tuple[onnx.NodeProto, dict[str, Any]]) -> None:
    step, constants = case
    model = model_of([node("Exp", "x", "a"), step, node("Neg", "b", "y")], {"x": SHAPE}, "y", constants)
    assert apply(model, remove_no_ops, tolerance=0).changes == 1
    assert ops(model) == {"Exp": 1, "Neg": 1}


@pytest.mark.parametrize("case", SOMETHING, ids=name)
def test_a_node_that_changes_something_stays(case: tuple[onnx.NodeProto, dict[str, Any]]) -> None:
    step, constants = case
    model = model_of([node("Exp", "x", "a"), step, node("Neg", "b", "y")], {"x": SHAPE}, "y", constants)
    assert apply(model, remove_no_ops, tolerance=0).changes == 0


def test_an_output_keeps_its_name() -> None:
    model = model_of([node("Exp", "x", "a"), node("Mul", "a k", "y")], {"x": SHAPE}, "y", {"k": 1.0})
    assert apply(model, remove_no_ops).changes == 1
    assert model.graph[0].outputs[0].name == "y"


def test_a_node_between_an_input_and_an_output_stays() -> None:
    model = model_of([node("Mul", "x k", "y")], {"x": SHAPE}, "y", {"k": 1.0})
    assert apply(model, remove_no_ops).changes == 0


def test_a_node_between_two_outputs_stays() -> None:
    model = model_of([node("Exp", "x", "a"), node("Mul", "a k", "y")], {"x": SHAPE}, "a y", {"k": 1.0})
    assert apply(model, remove_no_ops).changes == 0
