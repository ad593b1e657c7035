"""Layer normalisation and global pooling are recognised from reductions."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from slim.graph.duplicates import merge_duplicates
from slim.graph.layer_norm import recognise_layer_norm
from slim.graph.pooling import recognise_global_pool
from slim.prune import remove_unused
from tests.graph.builder import apply, model_of, node, ops

RNG = np.random.default_rng(3)
GAMMA, BETA = (RNG.normal(size=8).astype(np.float32) for _ in range(2))
CONSTANTS: dict[str, Any] = {"last": [-1], "two": 2.0, "eps": 1e-5, "g": GAMMA, "b": BETA}


def pieces(square: str = "Pow", quotient: str = "Div", **keep: int) -> list[onnx.NodeProto]:
    return [
        node("ReduceMean", "x last", "m"),
        node("Sub", "x m", "d"),
        node("Pow", "d two", "q") if square == "Pow" else node("Mul", "d d", "q"),
        node("ReduceMean", "q last", "v", **keep),
        node("Add", "v eps", "e"),
        node("Sqrt", "e", "s"),
        *([node("Div", "d s", "n")] if quotient == "Div" else [node("Reciprocal", "s", "i"), node("Mul", "i d", "n")]),
        node("Mul", "n g", "p"),
        node("Add", "b p", "y"),
    ]


@pytest.mark.parametrize("quotient", ["Div", "Reciprocal"])
@pytest.mark.parametrize("square", ["Pow", "Mul"])
def test_layer_norm_from_its_pieces(square: str, quotient: str) -> None:
    model = model_of(pieces(square, quotient), {"x": (2, 3, 8)}, "y", CONSTANTS)
    apply(model, recognise_layer_norm, remove_unused)
    assert ops(model) == {"LayerNormalization": 1}


def test_layer_norm_whose_difference_is_written_twice() -> None:
    nodes = pieces()
    nodes[2:3] = [node("Sub", "x m", "d2"), node("Mul", "d2 d2", "q")]
    model = model_of(nodes, {"x": (2, 3, 8)}, "y", CONSTANTS)
    apply(model, merge_duplicates, recognise_layer_norm, remove_unused)
    assert ops(model) == {"LayerNormalization": 1}


def test_layer_norm_over_two_axes() -> None:
    constants = CONSTANTS | {"last": [1, 2], "g": np.ones((3, 8), np.float32) * 2, "b": np.ones((1, 3, 8), np.float32)}
    model = model_of(pieces(), {"x": (2, 3, 8)}, "y", constants)
    apply(model, recognise_layer_norm, remove_unused)
    assert ops(model) == {"LayerNormalization": 1}


def test_a_scale_of_another_shape_stays_outside() -> None:
    model = model_of(pieces(), {"x": (2, 3, 8)}, "y", CONSTANTS | {"g": np.full((3, 1), 2, np.float32)})
    apply(model, recognise_layer_norm, remove_unused)
    assert ops(model) == {"LayerNormalization": 1, "Mul": 1, "Add": 1}


@pytest.mark.parametrize(
    ("outputs", "constants"),
    [("y v", {}), ("y d", {}), ("y", {"last": [1]}), ("y", {"last": [0, 2]}), ("y", {"two": 3.0})],
    ids=["variance is an output", "difference is an output", "inner axis", "axes with a gap", "cube"],
)
def test_what_is_not_quite_layer_norm_stays(outputs: str, constants: dict[str, Any]) -> None:
    constants = CONSTANTS | {"g": np.float32(2), "b": np.float32(1)} | constants
    model = model_of(pieces(), {"x": (2, 3, 8)}, outputs, constants)
    recognise_layer_norm(model)
    assert "LayerNormalization" not in ops(model)


@pytest.mark.parametrize(("kind", "pool"), [("ReduceMean", "GlobalAveragePool"), ("ReduceMax", "GlobalMaxPool")])
@pytest.mark.parametrize("keep", [0, 1])
def test_a_reduction_over_space_is_global_pooling(kind: str, pool: str, keep: int) -> None:
    model = model_of([node(kind, "x k", "y", keepdims=keep)], {"x": (2, 3, 4, 5)}, "y", {"k": [-1, 2]})
    assert apply(model, recognise_global_pool).changes == 1
    assert ops(model) == ({pool: 1} if keep else {pool: 1, "Flatten": 1})


def test_a_flatten_goes_behind_the_quantizer_of_a_pool() -> None:
    nodes = [
        node("ReduceMean", "x k", "m", keepdims=0),
        node("QuantizeLinear", "m s z", "q"),
        node("DequantizeLinear", "q s z", "y"),
    ]
    constants = {"k": [2, 3], "s": np.float32(0.05), "z": np.uint8(128)}
    model = model_of(nodes, {"x": (2, 3, 4, 5)}, "y", constants)
    assert apply(model, recognise_global_pool, tolerance=0.06).changes == 1
    assert [each.op_type for each in model.graph][:3] == ["GlobalAveragePool", "QuantizeLinear", "Flatten"]


@pytest.mark.parametrize("axes", [[1], [1, 2], [1, 2, 3], [3]])
def test_a_reduction_over_other_axes_stays(axes: list[int]) -> None:
    model = model_of([node("ReduceMean", "x k", "y")], {"x": (2, 3, 4, 5)}, "y", {"k": axes})
    assert apply(model, recognise_global_pool).changes == 0
