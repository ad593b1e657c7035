"""What only training needs goes, with its labels; what inference needs stays."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx_ir as ir
import pytest

from slim.prune import prune_unused, remove_training
from tests.graph.builder import apply, model_of, node, ops, run


def names(values: Iterable[ir.Value]) -> list[str | None]:
    return [value.name for value in values]


def test_dropout_and_identity_go() -> None:
    nodes = [node("Exp", "x", "a"), node("Dropout", "a r", "b"), node("Identity", "b", "c"), node("Neg", "c", "y")]
    model = model_of(nodes, {"x": (3,)}, "y", {"r": 0.5})
    assert apply(model, remove_training, tolerance=0).changes == 2
    assert ops(model) == {"Exp": 1, "Neg": 1}


def test_a_dropout_that_is_told_not_to_drop_goes() -> None:
    nodes = [node("Exp", "x", "a"), node("Dropout", "a r t", "b"), node("Neg", "b", "y")]
    model = model_of(nodes, {"x": (3,)}, "y", {"r": 0.5, "t": np.bool_(False)})
    assert apply(model, remove_training, tolerance=0).changes == 1


def test_a_dropout_that_drops_stays() -> None:
    nodes = [node("Exp", "x", "a"), node("Dropout", "a r t", "b"), node("Neg", "b", "y")]
    model = model_of(nodes, {"x": (3,)}, "y", {"r": 0.5, "t": np.bool_(True)})
    assert remove_training(model).changes == 0


def test_a_dropout_whose_mask_is_read_stays() -> None:
    nodes = [node("Exp", "x", "a"), node("Dropout", "a", "b m"), node("Neg", "b", "y")]
    assert apply(model_of(nodes, {"x": (3,)}, "y m"), remove_training, tolerance=0).changes == 0


def test_an_identity_between_an_input_and_an_output_stays() -> None:
    assert apply(model_of([node("Identity", "x", "y")], {"x": (3,)}, "y"), remove_training).changes == 0


def with_loss(outputs: str) -> ir.Model:
    nodes = [
        node("MatMul", "x w", "scores"),
        node("Cast", "label", "index", to=7),
        node("SoftmaxCrossEntropyLoss", "scores index", "loss"),
    ]
    weight = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    return model_of(nodes, {"x": (2, 4), "label": (2,)}, outputs, {"w": weight})


def test_a_loss_beside_another_output_goes() -> None:
    model = with_loss("scores loss")
    expected = run(model)["scores"]
    prune_unused(model)
    assert names(model.graph.outputs) == ["scores"]
    assert ops(model) == {"MatMul": 1}
    feeds = run(model)
    assert np.array_equal(feeds["scores"], expected)


def test_a_loss_that_is_the_only_output_leaves_its_scores() -> None:
    model = with_loss("loss")
    prune_unused(model)
    assert names(model.graph.outputs) == ["scores"]


def test_labels_that_only_the_loss_reads_go() -> None:
    nodes = [node("MatMul", "x w", "scores"), node("SoftmaxCrossEntropyLoss", "scores label", "loss")]
    model = model_of(
        nodes, {"x": (2, 4), "label": (2,)}, "scores loss", {"w": np.ones((4, 3), np.float32)}, infer=False
    )
    remove_training(model)
    assert names(model.graph.inputs) == ["x"]


def test_labels_that_something_else_reads_stay() -> None:
    nodes = [
        node("MatMul", "x w", "scores"),
        node("SoftmaxCrossEntropyLoss", "scores label", "loss"),
        node("Neg", "label", "y"),
    ]
    constants = {"w": np.ones((4, 3), np.float32)}
    model = model_of(nodes, {"x": (2, 4), "label": (2,)}, "scores loss y", constants, infer=False)
    remove_training(model)
    assert names(model.graph.inputs) == ["x", "label"]


@pytest.mark.parametrize("outputs", ["y", "y loss"])
def test_a_loss_inside_the_graph_is_no_head(outputs: str) -> None:
    nodes = [node("SoftmaxCrossEntropyLoss", "x label", "loss"), node("Neg", "loss", "y")]
    model = model_of(nodes, {"x": (2, 4), "label": (2,)}, outputs, infer=False)
    remove_training(model)
    assert "SoftmaxCrossEntropyLoss" in ops(model)
