"""What the core cannot run is said of the graph, before a program is made: every operator, type and rank."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper

from slim.errors import UnsupportedError
from slim.lower import lower


def model(nodes: list[onnx.NodeProto], shape: list[int], kind: int = TensorProto.FLOAT, inputs: int = 1) -> ir.Model:
    """`nodes` from x to y, both of this shape and type."""
    x, y = (helper.make_tensor_value_info(name, kind, shape) for name in "xy")
    graph = helper.make_graph(nodes, "net", [x][:inputs], [y])
    return ir.from_proto(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)]))


def refusal(network: ir.Model) -> list[str]:
    with pytest.raises(UnsupportedError) as caught:
        lower(network)
    return str(caught.value).splitlines()


def test_every_missing_operator_is_counted_and_its_nodes_are_named() -> None:
    chain = ["Acosh", *["Asinh"] * 7]
    nodes = [
        helper.make_node(kind, ["x" if i == 0 else f"v{i}"], ["y" if i == 7 else f"v{i + 1}"], f"n{i}")
        for i, kind in enumerate(chain)
    ]
    assert refusal(model(nodes, [4])) == [
        "operator Acosh: the core has no such operator (1 node: 'n0'); see `slim ops`",
        "operator Asinh: the core has no such operator (7 nodes: 'n1', 'n2', 'n3', 'n4', 'n5', ...); see `slim ops`",
    ]


@pytest.mark.parametrize("kind", ["FLOAT16", "BFLOAT16", "DOUBLE"])
def test_floats_of_other_sizes(kind: str) -> None:
    network = model([helper.make_node("Relu", ["x"], ["y"])], [4], getattr(TensorProto, kind))
    assert refusal(network) == [f"value 'x': has type {kind}; convert the model to float32"]


def test_more_dimensions_than_a_program_holds() -> None:
    network = model([helper.make_node("Relu", ["x"], ["y"])], [1] * 7)
    assert refusal(network) == ["value 'x': has 7 dimensions; the core takes up to 6; merge some of them"]


def test_a_network_without_inputs() -> None:
    value = numpy_helper.from_array(np.zeros(4, np.float32))
    network = model([helper.make_node("Constant", [], ["y"], value=value)], [4], inputs=0)
    assert refusal(network) == ["the network: has no inputs: its outputs are constants; there is nothing to run"]
