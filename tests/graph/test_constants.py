"""What depends only on constants and shapes is computed; what would grow the file or undo quantization is not."""

from __future__ import annotations

import numpy as np

from slim.graph.constants import fold_constants
from tests.graph.builder import apply, model_of, node, ops


def test_an_exporters_shape_arithmetic_becomes_a_constant() -> None:
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "b", axis=0),
        node("Unsqueeze", "b axis", "u"),
        node("Concat", "u minus", "t", axis=0),
        node("Reshape", "x t", "y"),
    ]
    model = model_of(nodes, {"x": (2, 3, 4)}, "y", {"zero": 0, "axis": [0], "minus": [-1]})
    assert apply(model, fold_constants).changes == 4
    assert ops(model) == {"Reshape": 1}


def test_shape_takes_a_range_of_axes() -> None:
    nodes = [node("Shape", "x", "s", start=-2, end=5), node("Expand", "x s", "y")]
    model = model_of(nodes, {"x": (4, 2)}, "y")
    apply(model, fold_constants)
    assert ops(model) == {"Expand": 1}


def test_constant_nodes_become_initializers() -> None:
    nodes = [node("Constant", "", "c", value_floats=[1.0, 2.0]), node("Add", "x c", "y")]
    model = model_of(nodes, {"x": (3, 2)}, "y")
    apply(model, fold_constants)
    assert ops(model) == {"Add": 1}
    assert list(model.graph.initializers) == ["c"]


def test_a_large_result_of_small_inputs_is_left() -> None:
    nodes = [node("Expand", "c s", "e"), node("Mul", "x e", "y")]
    model = model_of(nodes, {"x": (1, 300, 300)}, "y", {"c": 2.0, "s": [300, 300]})
    assert apply(model, fold_constants).changes == 0


def test_a_large_result_of_large_inputs_is_computed() -> None:
    weight = np.random.default_rng(0).normal(size=(300, 200)).astype(np.float32)
    nodes = [node("Transpose", "w", "t"), node("MatMul", "x t", "y")]
    model = model_of(nodes, {"x": (2, 200)}, "y", {"w": weight})
    assert apply(model, fold_constants).changes == 1


def test_a_quantized_weight_stays_quantized() -> None:
    nodes = [node("DequantizeLinear", "q s z", "w"), node("MatMul", "x w", "y")]
    constants = {"q": np.ones((4, 2), np.int8), "s": np.float32(0.5), "z": np.int8(0)}
    assert apply(model_of(nodes, {"x": (3, 4)}, "y", constants), fold_constants).changes == 0


def test_a_constant_that_the_caller_may_override_is_left() -> None:
    model = model_of([node("Neg", "c", "n"), node("Add", "x n", "y")], {"x": (2,)}, "y", {"c": [1.0, 2.0]})
    model.graph.inputs.append(model.graph.initializers["c"])
    assert fold_constants(model).changes == 0


def test_a_constant_output_keeps_its_node() -> None:
    model = model_of([node("Neg", "c", "y"), node("Neg", "x", "z")], {"x": (2,)}, "y z", {"c": [1.0, 2.0]})
    assert apply(model, fold_constants).changes == 0


def test_random_nodes_are_left() -> None:
    nodes = [node("RandomNormalLike", "c", "r", seed=1.0), node("Mul", "x r", "y")]
    model = model_of(nodes, {"x": (2,)}, "y", {"c": [1.0, 2.0]})
    assert fold_constants(model).changes == 0


def test_a_node_that_cannot_be_computed_is_left_for_the_runtime_to_judge() -> None:
    nodes = [node("Reshape", "c s", "r"), node("Add", "x r", "y")]
    model = model_of(nodes, {"x": (2,)}, "y", {"c": [1.0, 2.0], "s": [3]}, infer=False)
    assert fold_constants(model).changes == 0
