"""What nothing reads goes; the graph's interface stays."""

from __future__ import annotations

from slim.prune import remove_unused
from tests.graph.builder import apply, model_of, node, ops


def test_nodes_that_lead_nowhere_go_with_their_constants() -> None:
    nodes = [node("Exp", "x", "y"), node("Mul", "x k", "a"), node("Neg", "a", "b")]
    model = model_of(nodes, {"x": (3,)}, "y", {"k": 2.0})
    assert apply(model, remove_unused, tolerance=0).changes == 3
    assert ops(model) == {"Exp": 1}
    assert not model.graph.initializers


def test_an_optional_output_that_nothing_reads_goes() -> None:
    model = model_of([node("MaxPool", "x", "y i", kernel_shape=[2, 2])], {"x": (1, 1, 4, 4)}, "y")
    apply(model, remove_unused, tolerance=0)
    assert len(model.graph[0].outputs) == 1


def test_inputs_and_outputs_stay() -> None:
    model = model_of([node("Exp", "x", "y"), node("Neg", "x", "z")], {"x": (3,), "unread": (2,)}, "y z")
    assert apply(model, remove_unused, tolerance=0).changes == 0
    assert [value.name for value in model.graph.inputs] == ["x", "unread"]


def test_operator_sets_without_a_node_go() -> None:
    model = model_of([node("Exp", "x", "y")], {"x": (3,)}, "y")
    model.opset_imports["com.microsoft"] = 1
    remove_unused(model)
    assert dict(model.opset_imports) == {"": 21}
