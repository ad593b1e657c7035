"""All passes together, on real networks: smaller graphs, the same answers, nothing quantized undone."""

from __future__ import annotations

import time

import numpy as np
import pytest

from slim.errors import SlimError
from slim.graph import PASSES, simplify
from tests.data import data_path
from tests.graph.builder import assert_close, assert_typed, load_for_test, model_of, node, ops, run

FILES = [
    "autoencoder-ad/model.onnx",
    "dscnn-kws/model.onnx",
    "dtln/model_1.onnx",
    "dtln/model_2.onnx",
    "magika/model.onnx",
    "mnist/model.onnx",
    "mobilenet-v1-0.25-128/model.onnx",
    "mobilenet-v2/model.onnx",
    "resnet8-cifar10/model.onnx",
    "squeezenet-v1.0/model.onnx",
    "ultraface-rfb-320/version-RFB-320.onnx",
    "ultraface-rfb-320/version-RFB-320_simplified.onnx",
]


@pytest.mark.parametrize("file", FILES)
def test_a_real_network_answers_as_before(file: str) -> None:
    model = load_for_test(data_path("models", file))
    before = run(model)
    model, reports = simplify(model)
    assert_close(before, run(model))
    assert_typed(model)
    assert len(reports) == len(PASSES)
    again = simplify(model)[1]
    assert [report.changes for report in again] == [0] * len(PASSES)


def test_an_exporters_detector_is_left_with_layers_only() -> None:
    model, _ = simplify(load_for_test(data_path("models", "ultraface-rfb-320", "version-RFB-320.onnx")))
    left = ops(model)
    for gone in ("Shape", "Gather", "Unsqueeze", "Constant", "BatchNormalization", "Flatten"):
        assert gone not in left
    assert left["Conv"] == 52


def test_a_quantized_network_answers_bit_for_bit_as_before() -> None:
    model = load_for_test(data_path("models", "shufflenet-v2-int8", "model.onnx"))
    before, quantizers = run(model), ops(model)
    model, _ = simplify(model)
    assert_close(before, run(model), tolerance=0)
    for kind in ("QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearAdd", "QLinearMatMul"):
        assert ops(model)[kind] == quantizers[kind]


def test_a_float_layer_between_quantizers_keeps_them() -> None:
    constants = {
        "s": np.float32(0.05),
        "z": np.uint8(128),
        "w": np.random.default_rng(0).integers(-99, 99, (4, 3, 3, 3)).astype(np.int8),
        "t": np.full(4, 0.01, np.float32),
        "u": np.zeros(4, np.int8),
    }
    nodes = [
        node("QuantizeLinear", "x s z", "q"),
        node("DequantizeLinear", "q s z", "d"),
        node("DequantizeLinear", "w t u", "v", axis=0),
        node("Conv", "d v", "c"),
        node("Relu", "c", "r"),
        node("QuantizeLinear", "r s z", "p"),
        node("DequantizeLinear", "p s z", "y"),
    ]
    model = model_of(nodes, {"x": (1, 3, 6, 6)}, "y", constants)
    before, kinds = run(model), ops(model)
    simplify(model)
    assert ops(model) == kinds
    assert_close(before, run(model), tolerance=0)


def test_what_one_pass_uncovers_the_next_one_takes() -> None:
    # the mean's reciprocal is computed, the two factors meet in the convolution, the dropout goes, the relus become one
    nodes = [
        node("Dropout", "x", "a"),
        node("Reciprocal", "k", "i"),
        node("Mul", "a i", "b"),
        node("Conv", "b w", "c"),
        node("Relu", "c", "d"),
        node("Identity", "d", "e"),
        node("Relu", "e", "y"),
    ]
    constants = {"k": np.float32(4), "w": np.random.default_rng(0).normal(size=(2, 3, 3, 3)).astype(np.float32)}
    model = model_of(nodes, {"x": (1, 3, 6, 6)}, "y", constants)
    before = run(model)
    simplify(model)
    assert [each.op_type for each in model.graph] == ["Conv", "Relu"]
    assert_close(before, run(model))


def test_values_inside_a_branch_keep_what_they_read() -> None:
    """A subgraph reads the outer graph's values: passes must count it among the readers."""
    import onnx
    from onnx import helper

    branch = helper.make_graph([node("Neg", "c", "t")], "branch", [], [onnx.ValueInfoProto(name="t")])
    other = helper.make_graph([node("Relu", "c", "f")], "other", [], [onnx.ValueInfoProto(name="f")])
    nodes = [
        node("Conv", "x w", "c"),
        node("Mul", "c k", "m"),
        node("ReduceMax", "m", "r", keepdims=0),
        node("Cast", "r", "b", to=onnx.TensorProto.BOOL),
        node("If", "b", "i", then_branch=branch, else_branch=other),
        node("Add", "i m", "y"),
    ]
    constants = {"w": np.random.default_rng(0).normal(size=(2, 3, 3, 3)).astype(np.float32), "k": 2.0}
    model = model_of(nodes, {"x": (1, 3, 6, 6)}, "y", constants)
    before = run(model)
    simplify(model)
    assert ops(model)["Mul"] == 1
    assert_close(before, run(model))


def test_a_malformed_graph_is_a_problem_with_a_place() -> None:
    model = model_of([node("Transpose", "x", "y")], {"x": (2, 3)}, "y")
    model.graph[0].resize_inputs(0)
    with pytest.raises(SlimError, match=r"by-hand: pass .*: the graph is malformed") as caught:
        simplify(model)
    assert caught.value.problems[0].do


def test_shapes_that_folding_reveals_are_inferred() -> None:
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s order", "t", axis=0),
        node("Mul", "t k", "u"),
        node("Reshape", "x u", "r"),
        node("Neg", "r", "y"),
    ]
    model = model_of(nodes, {"x": (2, 6)}, "y", {"order": [1, 0], "k": [1, 1]}, infer=False)
    for value in (*model.graph.outputs, *(output for each in model.graph for output in each.outputs)):
        assert value.shape is None
    simplify(model)
    assert_typed(model)
    assert model.graph.outputs[0].shape == [6, 2]


def test_a_folded_network_is_read_over_quickly() -> None:
    model = load_for_test(data_path("models", "mobilenet-v2", "model.onnx"))
    start = time.process_time()
    simplify(model)
    assert time.process_time() - start < 0.5  # 0.01 s on an idle machine; slim check has 1 s for everything
