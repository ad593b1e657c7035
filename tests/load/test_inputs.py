"""Open dimensions, and the messages about files that cannot be loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from slim.errors import LoadError
from slim.load import load
from tests.data import ROOT
from tests.load.test_onnx import save

RELU = [helper.make_node("Relu", ["x"], ["y"], "relu")]
ADD = [helper.make_node("Add", ["x", "w"], ["y"], "add")]


def dims(file: Path, **shapes: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The dims of the inputs and outputs after loading."""
    graph = load(file, shapes=shapes).graph
    return [tuple(value.shape.numpy()) for value in (*graph.inputs, *graph.outputs) if value.shape is not None]


def test_a_lone_open_leading_dimension_is_a_batch_of_1(tmp_path: Path) -> None:
    file = save(tmp_path, RELU, {"x": ["N", 3, 8, 8]}, ["y"], 13)
    assert dims(file) == [(1, 3, 8, 8)] * 2
    assert load(file).metadata_props["slim.batch"] == "1"


def test_other_open_dimensions_ask_for_the_option(tmp_path: Path) -> None:
    file = save(tmp_path, ADD, {"x": [1, 3, "H", "W"], "w": ["N", "K"]}, ["y"], 13)
    with pytest.raises(LoadError) as caught:
        load(file)
    text = str(caught.value)
    assert "input 'x': its shape 1,3,?,? is open; give --shape x=1,3,224,224" in text
    assert "input 'w': its shape ?,? is open; give --shape w=1,1" in text


def test_given_shapes_bind_open_dimensions_and_their_names(tmp_path: Path) -> None:
    file = save(tmp_path, ADD, {"x": ["N", 3, "S"], "w": ["N", 3, "S"]}, ["y"], 13)
    assert dims(file, x=(2, 3, 5)) == [(2, 3, 5)] * 3
    assert "slim.batch" not in load(file, shapes={"x": (2, 3, 5)}).metadata_props


def test_a_dimension_of_minus_1_is_open(tmp_path: Path) -> None:
    file = save(tmp_path, RELU, {"x": [-1, 3, 8, 8]}, ["y"], 13)
    assert dims(file) == [(1, 3, 8, 8)] * 2
    assert dims(file, x=(2, 3, 8, 8)) == [(2, 3, 8, 8)] * 2


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"x": (1, 4, 8, 8)}, "the file has the shape \\?,3,8,8, not 1,4,8,8"),
        ({"x": (1, 3, 8)}, "the file has the shape \\?,3,8,8, not 1,3,8"),
        ({"z": (1,)}, "there is no input 'z'; the inputs are x"),
        ({"x": (0, 3, 8, 8)}, "input 'x': shape 0x3x8x8 has a dimension below 1"),
        ({"x": (1, 3, 100_000, 100_000)}, "input 'x': shape 1x3x100000x100000 has more than 2\\^31 elements"),
        ({"x": (1, 3, 10**20, 1)}, "has more than 2\\^31 elements"),
    ],
)
def test_shapes_that_contradict_the_file(shapes: dict[str, tuple[int, ...]], message: str, tmp_path: Path) -> None:
    file = save(tmp_path, RELU, {"x": ["N", 3, 8, 8]}, ["y"], 13)
    with pytest.raises(LoadError, match=message):
        load(file, shapes=shapes)


def test_shape_arithmetic_ends_up_static(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Unsqueeze", ["n"], ["n1"], axes=[0]),
        helper.make_node("Concat", ["n1", "rest"], ["shape"], axis=0),
        helper.make_node("Reshape", ["x", "shape"], ["y"]),
    ]
    constants = {"zero": np.array(0), "rest": np.array([-1])}
    assert dims(save(tmp_path, nodes, {"x": ["N", 3, 4]}, ["y"], 9, constants)) == [(1, 3, 4), (1, 12)]


def test_shapes_that_depend_on_data_are_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("NonZero", ["x"], ["i"], "nz"), helper.make_node("Cast", ["i"], ["y"], to=1)]
    with pytest.raises(LoadError, match=r"node 'nz' \(NonZero\): the shape of its output depends on data"):
        load(save(tmp_path, nodes, {"x": [2, 3]}, ["y"], 13))


def test_unknown_operators_are_counted_and_named(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Foo", ["x"], ["a"], "foo1", domain="custom"),
        helper.make_node("Foo", ["a"], ["b"], "foo2", domain="custom"),
        helper.make_node("Bar", ["b"], ["y"], "bar"),
    ]
    with pytest.raises(LoadError) as caught:
        load(save(tmp_path, nodes, {"x": [2]}, ["y"], 13))
    text = str(caught.value)
    assert "operator custom.Foo is not known (2 nodes: 'foo1', 'foo2')" in text
    assert "operator Bar is not known (1 node: 'bar')" in text


def test_values_that_nothing_writes_are_named(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"node 'add' \(Add\): input 1, 'w', is written by no node"):
        load(save(tmp_path, ADD, {"x": [2]}, ["y"], 13))


def test_damage_is_said_by_slim_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script = "import sys; from slim.load import load; load(sys.argv[1])"
    file = save(tmp_path, ADD, {"x": [2]}, ["y"], 13)
    subprocess.run([sys.executable, "-c", script, str(file)], cwd=ROOT, check=False)
    assert "is written by no node" in (err := capfd.readouterr().err)
    assert "The model is invalid" not in err  # what onnx_ir would warn of


def test_a_value_written_twice_is_named(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"], "a"), helper.make_node("Sigmoid", ["x"], ["y"], "b")]
    with pytest.raises(LoadError, match="'y'"):
        load(save(tmp_path, nodes, {"x": [2]}, ["y"], 13))


def test_weights_that_do_not_fit_their_shape(tmp_path: Path) -> None:
    file = save(tmp_path, ADD, {"x": [4]}, ["y"], 13, {"w": np.zeros(4, np.float32)})
    file.write_bytes(file.read_bytes().replace(b"\x08\x04\x10\x01", b"\x08\x05\x10\x01", 1))  # dims: 5, data_type: 1
    with pytest.raises(LoadError, match=r"tensor 'w': has 16 bytes where its shape \(5,\) needs 20"):
        load(file)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.onnx", None, "no such file"),
        ("x.onnx", b"", "holds no graph"),
        ("x.onnx", b"\xff\xff\xff", "cannot be read as an ONNX file"),
        ("x.json", None, "no such file"),
        ("x.slim", b"", "is a slim program, which is no graph any more; `slim run`"),
    ],
)
def test_files_that_are_no_models(name: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(LoadError, match=message):
        load(tmp_path / name)


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="is a folder; give the path"):
        load(tmp_path)


def test_params_belong_to_a_symbol(tmp_path: Path) -> None:
    file = save(tmp_path, RELU, {"x": [2]}, ["y"], 13)
    with pytest.raises(LoadError, match="a params file belongs to an MXNet symbol"):
        load(file, params=tmp_path / "x.params")


def test_window_larger_than_its_input_before_a_slice(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv"),
        helper.make_node("Slice", ["c", "from", "to"], ["y"], "slice"),
    ]
    constants = {"w": np.zeros((1, 1, 5, 5), np.float32), "from": np.array([0]), "to": np.array([1])}
    file = save(tmp_path, nodes, {"x": [1, 1, "H", "W"]}, ["y"], 13, constants)
    with pytest.raises(LoadError, match=r"node 'conv' \(Conv\): its window is larger than its input"):
        load(file, shapes={"x": (1, 1, 3, 3)})
