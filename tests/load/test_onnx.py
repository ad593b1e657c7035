"""ONNX files: the test data's networks and every rule of the opset conversion, judged by onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper

from slim.errors import LoadError
from slim.load import load
from tests.data import data_path
from tests.load.runs import assert_close, assert_settled, random_feeds, run

FILES = (
    "autoencoder-ad/model.onnx",
    "dscnn-kws/model.onnx",
    "dtln/model_1.onnx",
    "dtln/model_2.onnx",
    "magika/model.onnx",
    "mnist/model.onnx",
    "mobilenet-v1-0.25-128/model.onnx",
    "mobilenet-v2/model.onnx",
    "resnet8-cifar10/model.onnx",
    "shufflenet-v2-int8/model.onnx",
    "squeezenet-v1.0/model.onnx",
    "ultraface-rfb-320/version-RFB-320.onnx",
    "ultraface-rfb-320/version-RFB-320_simplified.onnx",
)


@pytest.mark.parametrize("file", FILES)
def test_network_computes_the_same_at_opset_21(file: str) -> None:
    path = data_path("models", *file.split("/"))
    model = load(path)
    assert_settled(model)
    feeds = random_feeds(model)
    for got, want in zip(run(model, feeds), run(onnx.load(path), feeds), strict=True):
        assert_close(got, want, within=1e-6)


def save(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: dict[str, Any],
    outputs: list[str],
    opset: int,
    constants: dict[str, np.ndarray] | None = None,
) -> Path:
    """An ONNX file; `inputs` maps names to dims, where a string is an open dim."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    file = path / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), file)
    return file


IMAGE = (2, 4, 6, 5)
OLD_FORMS: dict[str, tuple[int, str, dict[str, Any], int]] = {
    "batch_norm": (7, "BatchNormalization", {"epsilon": 0.01}, 1),
    "upsample": (7, "Upsample", {"scales": [1.0, 1.0, 2.0, 3.0], "mode": "nearest"}, 1),
    "slice": (9, "Slice", {"starts": [1, -3], "ends": [3, 100], "axes": [1, 3]}, 1),
    "slice_all_axes": (9, "Slice", {"starts": [0, 1], "ends": [1, 3]}, 1),
    "clip": (10, "Clip", {"min": -0.5, "max": 0.25}, 1),
    "clip_one_side": (10, "Clip", {"min": 0.0}, 1),
    "pad": (10, "Pad", {"pads": [0, 0, 1, 2, 0, 0, 0, 1], "value": 1.5}, 1),
    "dropout": (11, "Dropout", {"ratio": 0.25}, 1),
    "softmax_default": (11, "Softmax", {}, 1),
    "softmax_middle": (12, "Softmax", {"axis": 2}, 1),
    "softmax_last": (11, "Softmax", {"axis": -1}, 1),
    "log_softmax": (11, "LogSoftmax", {"axis": 0}, 1),
    "unsqueeze": (11, "Unsqueeze", {"axes": [0, 3]}, 1),
    "reduce_sum": (11, "ReduceSum", {"axes": [1, 3]}, 1),
    "reduce_mean": (13, "ReduceMean", {"axes": [2, 3], "keepdims": 0}, 1),
    "reduce_max_all": (11, "ReduceMax", {}, 1),
    "reduce_l2": (17, "ReduceL2", {"axes": [1]}, 1),
    "split": (11, "Split", {"split": [1, 3], "axis": 1}, 2),
    "split_equal": (13, "Split", {"axis": 1}, 2),
    "resize": (10, "Resize", {"mode": "nearest"}, 1),
    "average_pool": (7, "AveragePool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, 1),
}


@pytest.mark.parametrize("name", sorted(OLD_FORMS))
def test_old_form_of_an_operator(name: str, tmp_path: Path) -> None:
    opset, operator, attributes, count = OLD_FORMS[name]
    constants = {}
    operands = ["x"]
    if operator == "BatchNormalization":
        rng = np.random.default_rng(1)
        constants = {key: rng.uniform(0.5, 2, 4).astype(np.float32) for key in ("scale", "bias", "mean", "var")}
        operands += list(constants)
    if operator == "Resize":
        constants, operands = {"scales": np.array([1, 1, 2, 3], np.float32)}, ["x", "scales"]
    outputs = [f"y{index}" for index in range(count)]
    node = helper.make_node(operator, operands, outputs, name, **attributes)
    file = save(tmp_path, [node], {"x": IMAGE}, outputs, opset, constants)
    model = load(file)
    assert_settled(model)
    assert [value.name for value in model.graph.outputs] == outputs
    x = {"x": np.random.default_rng(0).standard_normal(IMAGE, np.float32)}
    for got, want in zip(run(model, x), run(onnx.load(file), x), strict=True):
        assert_close(got, want, within=1e-6)


def test_top_k_and_squeeze_of_old_opsets(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("TopK", ["x"], ["top", "index"], k=1, axis=1),
        helper.make_node("Squeeze", ["top"], ["y"], axes=[1]),
    ]
    file = save(tmp_path, nodes, {"x": IMAGE}, ["y"], 9)
    x = np.random.default_rng(0).standard_normal(IMAGE, np.float32)
    np.testing.assert_array_equal(run(load(file), {"x": x})[0], x.max(axis=1))


def test_newer_opset_with_operators_that_opset_21_has(tmp_path: Path) -> None:
    newest = onnx.defs.onnx_opset_version()
    file = save(tmp_path, [helper.make_node("Relu", ["x"], ["y"])], {"x": IMAGE}, ["y"], newest)
    assert_settled(load(file))


def test_newer_operator_is_refused_by_name(tmp_path: Path) -> None:
    nodes = [helper.make_node("Swish", ["x"], ["y"], "swish")]
    file = save(tmp_path, nodes, {"x": IMAGE}, ["y"], 24)
    with pytest.raises(LoadError, match=r"operator Swish of opset 24 has no form at opset 21 \(1 nodes: 'swish'\)"):
        load(file)


def test_opset_before_7_is_refused(tmp_path: Path) -> None:
    file = save(tmp_path, [helper.make_node("Relu", ["x"], ["y"])], {"x": IMAGE}, ["y"], 6)
    with pytest.raises(LoadError, match="has opset 6; slim reads 7 to"):
        load(file)


def test_old_conversion_reaches_into_bodies(tmp_path: Path) -> None:
    bodies = [
        helper.make_graph(
            [helper.make_node("Clip", ["x"], [f"{name}_y"], min=low, max=1.0)],
            name,
            [],
            [helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, IMAGE)],
        )
        for name, low in (("then", 0.0), ("else", -1.0))
    ]
    node = helper.make_node("If", ["c"], ["y"], then_branch=bodies[0], else_branch=bodies[1])
    file = save(tmp_path, [node], {"x": IMAGE}, ["y"], 10, {"c": np.array(True)})
    x = np.random.default_rng(0).standard_normal(IMAGE, np.float32)
    np.testing.assert_array_equal(run(load(file), {"x": x})[0], x.clip(0, 1))


def test_functions_are_inlined(tmp_path: Path) -> None:
    function = helper.make_function(
        "local", "Twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])], [helper.make_opsetid("", 18)]
    )
    graph = helper.make_graph(
        [helper.make_node("Twice", ["x"], ["y"], domain="local")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 3])],
    )
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
    onnx.save(helper.make_model(graph, functions=[function], opset_imports=imports), tmp_path / "f.onnx")
    model = load(tmp_path / "f.onnx")
    assert_settled(model)
    assert [node.op_type for node in model.graph] == ["Add"]
    assert not model.functions


def test_initializers_listed_as_inputs_are_not_inputs() -> None:
    model = load(data_path("models", "mnist", "model.onnx"))  # IR version 3 lists them all
    assert [value.name for value in model.graph.inputs] == ["Input3"]


def test_external_data_is_mapped_not_read(tmp_path: Path) -> None:
    weight = np.arange(12, dtype=np.float32).reshape(4, 3)
    file = save(tmp_path, [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (2, 4)}, ["y"], 13, {"w": weight})
    onnx.save(onnx.load(file), file, save_as_external_data=True, location="w.bin", size_threshold=0)
    model = load(file)
    tensor = model.graph.initializers["w"].const_value
    assert isinstance(tensor, ir.ExternalTensor)
    np.testing.assert_array_equal(tensor.numpy(), weight)


def test_more_than_2_gb_of_external_data_takes_no_memory(tmp_path: Path) -> None:
    rows = 600_000_000
    node = helper.make_node("Gather", ["w", "i"], ["y"], axis=0)
    file = save(tmp_path, [node, helper.make_node("Add", ["y", "x"], ["z"])], {"x": (1, 1)}, ["z"], 13)
    proto = onnx.load(file)
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[rows, 1], data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value="w.bin")
    proto.graph.initializer.extend([weight, numpy_helper.from_array(np.array([rows - 1]), "i")])
    file.write_bytes(proto.SerializeToString())
    with (tmp_path / "w.bin").open("wb") as sparse:
        sparse.truncate(rows * 4)  # 2.4 GB that occupy no disk
    tensor = load(file).graph.initializers["w"].const_value
    assert tensor is not None
    assert tensor.numpy()[-1] == 0


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"location": "gone.bin"}, "needs the external file 'gone.bin', which is not beside the model"),
        ({"location": "../net.onnx"}, "points outside the model's folder"),
        ({"location": "net.onnx", "offset": "99999999"}, "needs 48 bytes at 99999999 of 'net.onnx'"),
        ({"location": "net.onnx", "length": "ten"}, "an external offset or length that is not a number"),
    ],
)
def test_bad_external_data(entries: dict[str, str], message: str, tmp_path: Path) -> None:
    file = save(tmp_path, [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (2, 4)}, ["y"], 13)
    proto = onnx.load(file)
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4, 3], data_location=TensorProto.EXTERNAL)
    for key, value in entries.items():
        weight.external_data.add(key=key, value=value)
    proto.graph.initializer.append(weight)
    file.write_bytes(proto.SerializeToString())
    with pytest.raises(LoadError, match=message):
        load(file)


@pytest.mark.parametrize("operator", ["QLinearAdd", "QLinearMul"])
def test_contributed_binary_operators_have_shapes(operator: str, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node(operator, ["q", "s", "z", "row", "s", "z", "s", "z"], ["r"], domain="com.microsoft"),
        helper.make_node("DequantizeLinear", ["r", "s", "z"], ["y"]),
    ]
    check_contributed(nodes, (2, 4, 6, 5), tmp_path)


@pytest.mark.parametrize(
    ("operator", "attributes", "shape"),
    [
        ("QLinearSigmoid", {}, (2, 4, 6, 5)),
        ("QLinearLeakyRelu", {}, (2, 4, 6, 5)),
        ("QLinearSoftmax", {"opset": 13, "axis": -1}, (2, 4, 6, 5)),
        ("QLinearAveragePool", {"kernel_shape": [3, 2], "strides": [2, 1]}, (2, 4, 2, 4)),
        ("QLinearGlobalAveragePool", {"channels_last": 0}, (2, 4, 1, 1)),
    ],
)
def test_contributed_unary_operators_have_shapes(
    operator: str, attributes: dict[str, Any], shape: tuple[int, ...], tmp_path: Path
) -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node(operator, ["q", "s", "z", "s", "z"], ["r"], domain="com.microsoft", **attributes),
        helper.make_node("DequantizeLinear", ["r", "s", "z"], ["y"]),
    ]
    check_contributed(nodes, shape, tmp_path)


def test_contributed_concat_has_a_shape(tmp_path: Path) -> None:
    operands = ["s", "z", "q", "s", "z", "q", "s", "z"]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("QLinearConcat", operands, ["r"], domain="com.microsoft", axis=1),
        helper.make_node("DequantizeLinear", ["r", "s", "z"], ["y"]),
    ]
    check_contributed(nodes, (2, 8, 6, 5), tmp_path)


def check_contributed(nodes: list[onnx.NodeProto], shape: tuple[int, ...], folder: Path) -> None:
    """The loaded model's inner shape is `shape`, and onnxruntime agrees on the output."""
    constants: dict[str, np.ndarray] = {
        "s": np.array(0.1, np.float32),
        "z": np.array(128, np.uint8),
        "row": np.arange(5, dtype=np.uint8),
    }
    file = save(folder, nodes, {"x": IMAGE}, ["y"], 12, constants)
    proto = onnx.load(file)
    proto.opset_import.add(domain="com.microsoft", version=1)
    onnx.save(proto, file)
    model = load(file)
    value = list(model.graph)[1].outputs[0]
    assert value.shape is not None
    assert value.dtype == ir.DataType.UINT8
    assert tuple(value.shape.numpy()) == shape
    assert run(model, {"x": np.zeros(IMAGE, np.float32)})[0].shape == shape


@pytest.mark.parametrize(
    ("operator", "operands", "attributes", "shape"),
    [
        ("FusedConv", ["x", "k"], {"activation": "Relu", "strides": [2, 1]}, (2, 3, 2, 3)),
        ("FusedGemm", ["f", "m", "row"], {"activation": "Relu", "transB": 1}, (8, 4)),
        ("Gelu", ["x"], {}, IMAGE),
        ("FastGelu", ["x"], {}, IMAGE),
        ("QuickGelu", ["x"], {}, IMAGE),
        ("BiasGelu", ["x", "five"], {}, IMAGE),
    ],
)
def test_fused_operators_have_shapes(
    operator: str, operands: list[str], attributes: dict[str, Any], shape: tuple[int, ...], tmp_path: Path
) -> None:
    nodes = [
        helper.make_node("Reshape", ["x", "flat"], ["f"]),
        helper.make_node(operator, operands, ["y"], domain="com.microsoft", **attributes),
    ]
    constants = {
        "k": np.ones((3, 4, 3, 3), np.float32),
        "m": np.ones((4, 30), np.float32),
        "row": np.ones(4, np.float32),
        "five": np.ones(5, np.float32),
        "flat": np.array([8, 30]),
    }
    file = save(tmp_path, nodes, {"x": IMAGE}, ["y"], 13, constants)
    proto = onnx.load(file)
    proto.opset_import.add(domain="com.microsoft", version=1)
    onnx.save(proto, file)
    model = load(file)
    output = model.graph.outputs[0]
    assert output.shape is not None
    assert tuple(output.shape.numpy()) == shape == run(model, {"x": np.zeros(IMAGE, np.float32)})[0].shape


@pytest.mark.parametrize(
    ("opset", "operator", "attributes", "message"),
    [
        (8, "BatchNormalization", {"spatial": 0}, "normalises each position by itself"),
        (11, "Resize", {"coordinate_transformation_mode": "tf_half_pixel_for_nn"}, "tf_half_pixel_for_nn"),
    ],
)
def test_old_forms_without_an_equivalent(
    opset: int, operator: str, attributes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    operands = {
        "BatchNormalization": ["x", *["c"] * 4],
        "GroupNormalization": ["x", "g", "g"],
        "Resize": ["x", "e", "s"],
    }
    constants = {"c": np.ones(4, np.float32), "e": np.zeros(0, np.float32)}
    constants["s"] = np.array([1, 1, 2, 2], np.float32)
    node = helper.make_node(operator, operands[operator], ["y"], "old", **attributes)
    with pytest.raises(LoadError, match=message):
        load(save(tmp_path, [node], {"x": IMAGE}, ["y"], opset, constants))
