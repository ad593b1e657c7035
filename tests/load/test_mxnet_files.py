"""The readers of symbol JSON and params files, in every version of both formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest

from slim.errors import LoadError
from slim.load import load
from slim.load.mxnet.pairing import find_params
from slim.load.mxnet.params import read_params
from tests.data import data_path
from tests.load.files import FLAGS, operator, params_bytes, variable, write_network
from tests.load.runs import run

RNG = np.random.default_rng(3)
DENSE = {"fc_weight": RNG.standard_normal((3, 4), np.float32), "fc_bias": RNG.standard_normal(3, np.float32)}
NODES = [
    variable("data"),
    variable("fc_weight"),
    variable("fc_bias"),
    operator("FullyConnected", "fc", [0, 1, 2], num_hidden="3"),
]
X = RNG.standard_normal((2, 4), np.float32)
Y = X @ DENSE["fc_weight"].T + DENSE["fc_bias"]


@pytest.mark.parametrize("version", ["V1", "V2", "V3", "legacy"])
@pytest.mark.parametrize("dtype", sorted(FLAGS))
def test_every_version_and_type_of_params_is_read(version: str, dtype: str, tmp_path: Path) -> None:
    arrays = {"a": np.arange(6).reshape(2, 3).astype(dtype), "b": np.array([7], dtype)}
    file = tmp_path / "x.params"
    file.write_bytes(params_bytes(arrays, version, prefix="aux:"))
    for (name, got), (want_name, want) in zip(read_params(file), arrays.items(), strict=True):
        assert name == want_name
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)


def test_arrays_lie_in_the_mapped_file(tmp_path: Path) -> None:
    file = tmp_path / "x.params"
    file.write_bytes(params_bytes({"a": np.zeros((1000, 1000), np.float32)}))
    [(_, array)] = read_params(file)
    assert not array.flags.owndata
    assert not array.flags.writeable


def test_only_numpy_semantics_has_scalars(tmp_path: Path) -> None:
    file = tmp_path / "x.params"
    file.write_bytes(params_bytes({"a": np.array(5.0, np.float32)}, "V3"))
    assert [array.shape for _, array in read_params(file)] == [()]


def test_legacy_fixture_without_names() -> None:
    arrays = read_params(data_path("models", "mxnet-fixtures", "legacy_ndarray.v0"))
    assert [name for name, _ in arrays] == [""] * 6
    np.testing.assert_array_equal(arrays[0][1], np.arange(128, dtype=np.float32))


def test_params_without_names_are_refused_with_a_symbol(tmp_path: Path) -> None:
    symbol = write_network(tmp_path, NODES, None)
    (tmp_path / "net-0000.params").write_bytes(params_bytes(DENSE, named=False))
    with pytest.raises(LoadError, match="2 arrays have no names"):
        load(symbol, shapes={"data": (2, 4)})


@pytest.mark.parametrize("key", ["attrs", "attr", "param"])
@pytest.mark.parametrize("size", [2, 3])
def test_every_form_of_a_node_is_read(key: str, size: int, tmp_path: Path) -> None:
    node: dict[str, Any] = {
        "op": "FullyConnected",
        "name": "fc",
        key: {"num_hidden": "3"},
        "inputs": [[i, 0, 0][:size] for i in range(3)],
    }
    node["backward_source_id"] = -1
    symbol = write_network(tmp_path, [*NODES[:3], node], DENSE, heads=[[3, 0, 0][:size]])
    model = load(symbol, shapes={"data": (2, 4)})
    assert [value.name for value in model.graph.inputs] == ["data"]
    np.testing.assert_allclose(run(model, {"data": X})[0], Y, rtol=1e-5)


def test_param_wins_over_the_users_notes_on_the_same_node(tmp_path: Path) -> None:
    node = NODES[3] | {"attr": {"num_hidden": "9", "ctx_group": "stage1"}, "param": {"num_hidden": "3"}}
    del node["attrs"]
    symbol = write_network(tmp_path, [*NODES[:3], node], DENSE)
    np.testing.assert_allclose(run(load(symbol, shapes={"data": (2, 4)}), {"data": X})[0], Y, rtol=1e-5)


def test_old_files_leave_moving_statistics_out_of_the_nodes(tmp_path: Path) -> None:
    nodes = [variable("data"), variable("bn_gamma"), variable("bn_beta"), operator("BatchNorm", "bn", [0, 1, 2])]
    names = ("gamma", "beta", "moving_mean", "moving_var")
    arrays = {f"bn_{name}": RNG.uniform(0.5, 2, 4).astype(np.float32) for name in names}
    model = load(write_network(tmp_path, nodes, arrays), shapes={"data": (2, 4)})
    # MXNet's defaults: gamma counts as 1 (fix_gamma), eps 1e-3
    want = (X - arrays["bn_moving_mean"]) / np.sqrt(arrays["bn_moving_var"] + 1e-3) + arrays["bn_beta"]
    np.testing.assert_allclose(run(model, {"data": X})[0], want, rtol=1e-5)


def test_files_of_0_8_with_param_and_attr() -> None:
    model = load(data_path("models", "mxnet-fixtures", "save_000800.json"), shapes={"data": (4, 10)})
    assert model.metadata_props["slim.weights"] == "absent"
    assert [node.op_type for node in model.graph] == [
        "Gemm", "Relu", "Gemm", "Relu", "Gemm", "BatchNormalization", "Softmax",
    ]  # fmt: skip
    shapes = {value.name: value.shape.numpy() for value in model.graph.initializers.values() if value.shape}
    assert shapes["fc1_weight"] == (128, 10)  # num_hidden 128 on 10 inputs
    assert shapes["fc2_weight"] == (64, 128)


def test_files_of_0_9_4_with_legacy_params() -> None:
    model = load(data_path("models", "mxnet-fixtures", "go_test-symbol.json"), shapes={"data": (3, 2)})
    arrays = dict(read_params(data_path("models", "mxnet-fixtures", "go_test-0001.params")))
    x = np.arange(6, dtype=np.float32).reshape(3, 2)
    logits = x.reshape(6, 1) @ arrays["pred_weight"].T + arrays["pred_bias"]
    want = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(run(model, {"data": x})[0], want, rtol=1e-5)


def test_newest_params_beside_the_symbol(tmp_path: Path) -> None:
    for name in ("net-0002.params", "net-0010.params", "net-x-0099.params", "other-0100.params"):
        (tmp_path / name).touch()
    assert find_params(tmp_path / "net-symbol.json") == tmp_path / "net-0010.params"
    assert find_params(tmp_path / "net.json") == tmp_path / "net-0010.params"
    assert find_params(tmp_path / "nothing-symbol.json") is None


def test_given_params_win_over_those_beside_the_symbol(tmp_path: Path) -> None:
    symbol = write_network(tmp_path, NODES, DENSE)
    other = {name: array * 2 for name, array in DENSE.items()}
    (tmp_path / "other.params").write_bytes(params_bytes(other))
    model = load(symbol, params=tmp_path / "other.params", shapes={"data": (2, 4)})
    np.testing.assert_allclose(run(model, {"data": X})[0], 2 * Y, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_half_and_double_weights_become_single(dtype: str, tmp_path: Path) -> None:
    arrays = {name: array.astype(dtype) for name, array in DENSE.items()}
    model = load(write_network(tmp_path, NODES, arrays), shapes={"data": (2, 4)})
    assert {value.dtype for value in model.graph.initializers.values()} == {ir.DataType.FLOAT}
    np.testing.assert_allclose(run(model, {"data": X})[0], Y, rtol=1e-2)


def test_absent_weights_take_their_shapes_from_the_data_and_no_memory(tmp_path: Path) -> None:
    nodes = [NODES[0], NODES[1], NODES[2], operator("FullyConnected", "fc", [0, 1, 2], num_hidden="40000")]
    model = load(write_network(tmp_path, nodes, None), shapes={"data": (1, 40000)})
    weight = model.graph.initializers["fc_weight"].const_value
    assert weight is not None
    assert tuple(weight.shape.numpy()) == (40000, 40000)  # 6.4 GB if it were filled
    assert not np.any(weight.numpy()[0])


def test_shape_that_the_symbol_declares_is_used(tmp_path: Path) -> None:
    nodes = [variable("data", attrs={"__shape__": "(2, 4)"}), *NODES[1:]]
    np.testing.assert_allclose(run(load(write_network(tmp_path, nodes, DENSE)), {"data": X})[0], Y, rtol=1e-5)


def test_pooling_convention_same_counts_strides(tmp_path: Path) -> None:
    nodes = [
        variable("data"),
        operator("Pooling", "p", [0], kernel="(3,)", stride="(2,)", pool_type="max", pooling_convention="same"),
    ]
    x = np.array([[[5, 1, 2, 8, 3, 0, 4, 7, 6]]], np.float32)
    model = load(write_network(tmp_path, nodes, {}), shapes={"data": (1, 1, 9)})
    # windows of 3 from 0, 2, 4, 6, 8, the last one cut off: ceil(9 / 2) = 5 outputs
    np.testing.assert_array_equal(run(model, {"data": x})[0], [[[5, 8, 4, 7, 6]]])


def problems(nodes: list[Any], arrays: dict[str, np.ndarray] | None, folder: Path, **shapes: tuple[int, ...]) -> str:
    with pytest.raises(LoadError) as caught:
        load(write_network(folder, nodes, arrays), shapes=shapes)
    return str(caught.value)


def test_every_problem_is_listed_at_once(tmp_path: Path) -> None:
    nodes = [
        *NODES,
        operator("FancyOp", "fancy0", [3]),
        operator("FancyOp", "fancy1", [4]),
        operator("OtherOp", "other", [5]),
    ]
    text = problems(nodes, {"fc_bias": DENSE["fc_bias"]}, tmp_path, wrong=(1, 2))
    assert "operator FancyOp is not known (2 nodes: 'fancy0', 'fancy1')" in text
    assert "operator OtherOp is not known (1 node: 'other')" in text
    assert "parameter 'fc_weight' is missing" in text
    assert "input 'data': its shape is open; give --shape data=1,3,224,224" in text
    assert "there is no input 'wrong'" in text


def test_params_of_another_network_are_told_by_shape(tmp_path: Path) -> None:
    text = problems(NODES, DENSE, tmp_path, data=(2, 5))
    assert (
        "node 'fc' (FullyConnected): parameter 'fc_weight' has the shape (3, 4), and the network needs (3, 5)" in text
    )


def test_params_that_the_network_does_not_use_are_ignored(tmp_path: Path) -> None:
    model = load(write_network(tmp_path, NODES, DENSE | {"spare": X}), shapes={"data": (2, 4)})
    assert set(model.graph.initializers) == {"fc_weight", "fc_bias"}


def test_attribute_without_translation_names_the_node(tmp_path: Path) -> None:
    nodes = [variable("data"), operator("Activation", "a", [0], act_type="swoosh")]
    assert "node 'a' (Activation): its act_type 'swoosh' is not known" in problems(nodes, {}, tmp_path, data=(1, 2))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        ("[]", "not an MXNet symbol"),
        ('{"nodes": []}', "not an MXNet symbol"),
        ('{"nodes": [{"op": "null"}]}', "node 0: it has no op and name"),
        ('{"nodes": [{"op": "relu", "name": "a", "inputs": [[0, 0]]}]}', "does not name an earlier node's output"),
        ('{"nodes": [{"op": "null", "name": "a", "attrs": {"b": 1}}]}', "its 'attrs' is not an object of strings"),
        ('{"nodes": [{"op": "null", "name": "a"}], "heads": []}', "it has no heads"),
    ],
)
def test_malformed_symbols(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(LoadError, match=message):
        load(tmp_path / "x.json")


def test_a_label_is_not_an_input(tmp_path: Path) -> None:
    nodes = [*NODES, variable("softmax_label"), operator("SoftmaxOutput", "softmax", [3, 4])]
    model = load(write_network(tmp_path, nodes, DENSE), shapes={"data": (2, 4)})
    assert [value.name for value in model.graph.inputs] == ["data"]
    assert [value.name for value in model.graph.outputs] == ["softmax_output"]
    assert json.loads((tmp_path / "net-symbol.json").read_text())["nodes"][4]["name"] == "softmax_label"


def test_a_declared_shape_that_no_tensor_can_have_counts_as_open(tmp_path: Path) -> None:
    data = variable("data") | {"attrs": {"__shape__": "(1, 100000, 100000)"}}
    with pytest.raises(LoadError, match="input 'data': its shape is open"):
        load(write_network(tmp_path, [data, *NODES[1:]], DENSE))
