"""Equal things are computed and stored once; things that only look equal are not."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from slim.graph.duplicates import PROBE, merge_duplicates
from tests.graph.builder import apply, model_of, node, ops

LONG = np.arange(4 * PROBE, dtype=np.float32)


def test_equal_nodes_become_one() -> None:
    nodes = [node("Exp", "x", "a"), node("Exp", "x", "b"), node("Neg", "a", "c"), node("Neg", "b", "d")]
    model = model_of([*nodes, node("Add", "c d", "y")], {"x": (3,)}, "y")
    assert apply(model, merge_duplicates, tolerance=0).changes == 2
    assert ops(model) == {"Exp": 1, "Neg": 1, "Add": 1}


def test_equal_constants_become_one() -> None:
    nodes = [node("Mul", "x a", "p"), node("Mul", "x b", "q"), node("Add", "p q", "y")]
    model = model_of(nodes, {"x": LONG.shape}, "y", {"a": LONG, "b": LONG.copy()})
    assert apply(model, merge_duplicates, tolerance=0).changes == 2
    assert list(model.graph.initializers) == ["a"]


def test_constants_that_differ_at_the_end_stay_apart() -> None:
    other = LONG.copy()
    other[-1] += 1
    nodes = [node("Mul", "x a", "p"), node("Mul", "x b", "q"), node("Add", "p q", "y")]
    model = model_of(nodes, {"x": LONG.shape}, "y", {"a": LONG, "b": other})
    assert apply(model, merge_duplicates, tolerance=0).changes == 0


@pytest.mark.parametrize("other", [np.float32(-0.0), np.int32(0), np.zeros(1, np.float32)])
def test_constants_of_other_sign_dtype_or_shape_stay_apart(other: np.ndarray) -> None:
    nodes = [node("Add", "x a", "p"), node("Cast", "b", "c", to=onnx.TensorProto.FLOAT), node("Add", "p c", "y")]
    model = model_of(nodes, {"x": (3,)}, "y", {"a": np.float32(0), "b": other})
    assert apply(model, merge_duplicates, tolerance=0).changes == 0


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Softmax", "x", "a", axis=0), node("Softmax", "x", "b", axis=1)],
        [node("Exp", "x", "a"), node("Neg", "x", "b")],
        [node("Exp", "x", "a"), node("Exp", "z", "b")],
        [node("RandomNormalLike", "x", "a"), node("RandomNormalLike", "x", "b")],
    ],
    ids=["attributes", "operators", "inputs", "random"],
)
def test_nodes_that_differ_stay_apart(nodes: list[onnx.NodeProto]) -> None:
    model = model_of([*nodes, node("Add", "a b", "y")], {"x": (3, 3), "z": (3, 3)}, "y")
    assert merge_duplicates(model).changes == 0


def test_two_outputs_that_are_equal_keep_their_nodes() -> None:
    model = model_of([node("Exp", "x", "a"), node("Exp", "x", "b")], {"x": (3,)}, "a b")
    assert apply(model, merge_duplicates).changes == 0


def test_an_output_that_equals_an_inner_value_keeps_its_name() -> None:
    model = model_of([node("Exp", "x", "a"), node("Neg", "a", "z"), node("Exp", "x", "y")], {"x": (3,)}, "y z")
    assert apply(model, merge_duplicates, tolerance=0).changes == 1


def test_quantizers_that_are_equal_stay_apart() -> None:
    nodes = [
        *(node("QuantizeLinear", "x s z", f"q{index}") for index in range(2)),
        *(node("DequantizeLinear", f"q{index} s z", f"d{index}") for index in range(2)),
        node("Add", "d0 d1", "y"),
    ]
    model = model_of(nodes, {"x": (3,)}, "y", {"s": np.float32(0.1), "z": np.uint8(9)})
    assert apply(model, merge_duplicates, tolerance=0).changes == 0
