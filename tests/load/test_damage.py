"""Damaged files: truncation and flipped bits at many places never give a traceback, a crash, a hang or 1 GB of memory.

Fast by default; `SLIM_FUZZ_FULL=1` damages 2,000 places in each file.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.data import ROOT
from tests.load.files import operator, variable, write_network

PLACES = 2000 if os.environ.get("SLIM_FUZZ_FULL") else 150
RNG = np.random.default_rng(5)


def load_damaged(file: Path, *shapes: str) -> None:
    """Run tests.load.damage on the file."""
    command = [sys.executable, "-m", "tests.load.damage", str(file), str(PLACES), *shapes]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=900, env=os.environ | {"PYTHONPATH": path}
    )
    last = done.stderr.splitlines()[-1:]
    assert done.returncode == 0, f"exit {done.returncode}, last damage: {last}\n{done.stdout[-3000:]}"


@pytest.fixture(scope="module")
def onnx_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network with most kinds of attributes, shape arithmetic, an old opset and a body."""
    weights = {
        "w": RNG.standard_normal((4, 2, 3, 3), np.float32),
        "one": np.ones(4, np.float32),
        "low": np.array([0]),
        "rest": np.array([-1]),
        "fc": RNG.standard_normal((36, 5), np.float32),
        "c": np.array(True),
    }
    bodies = [
        helper.make_graph(
            [helper.make_node(op, ["s0"], [op])], op, [], [helper.make_tensor_value_info(op, TensorProto.FLOAT, [1, 5])]
        )
        for op in ("Relu", "Tanh")
    ]
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c0"], "conv", pads=[1, 1, 1, 1], strides=[2, 2], group=2),
        helper.make_node("BatchNormalization", ["c0", "one", "one", "one", "one"], ["b0"], "bn", epsilon=1e-3),
        helper.make_node("Clip", ["b0"], ["k0"], "clip", min=0.0, max=6.0),
        helper.make_node("MaxPool", ["k0"], ["p0"], "pool", kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER"),
        helper.make_node("Pad", ["p0"], ["q0"], "pad", pads=[0, 0, 0, 0, 0, 0, 1, 1], mode="constant"),
        helper.make_node("Shape", ["q0"], ["h0"], "shape"),
        helper.make_node("Slice", ["h0"], ["n0"], "slice", starts=[0], ends=[1]),
        helper.make_node("Concat", ["n0", "rest"], ["r0"], "concat", axis=0),
        helper.make_node("Reshape", ["q0", "r0"], ["f0"], "reshape"),
        helper.make_node("Gemm", ["f0", "fc"], ["g0"], "gemm", alpha=0.5),
        helper.make_node("Softmax", ["g0"], ["s0"], "softmax", axis=1),
        helper.make_node("If", ["c"], ["y"], "if", then_branch=bodies[0], else_branch=bodies[1]),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 5])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    file = tmp_path_factory.mktemp("damage") / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=8), file)
    return file


@pytest.fixture(scope="module")
def symbol_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nodes = [
        variable("data"),
        variable("c_weight"),
        variable("c_bias"),
        operator("Convolution", "c", [0, 1, 2], kernel="(3, 3)", num_filter="4", pad="(1, 1)", num_group="2"),
        *(variable(f"b_{role}") for role in ("gamma", "beta", "moving_mean", "moving_var")),
        operator("BatchNorm", "b", [3, 4, 5, 6, 7], eps="0.001"),
        operator("Pooling", "p", [8], kernel="(3, 3)", stride="(2, 2)", pool_type="avg", pooling_convention="full"),
        operator("Reshape", "r", [9], shape="(0, -4, 2, -1, -3)"),
        operator("slice_axis", "s", [10], axis="1", begin="0", end="1"),
        variable("d_weight"),
        operator("FullyConnected", "d", [11, 12], num_hidden="3", no_bias="True"),
        variable("softmax_label"),
        operator("SoftmaxOutput", "softmax", [13, 14]),
    ]
    arrays = {
        "c_weight": RNG.standard_normal((4, 1, 3, 3), np.float32),
        "c_bias": np.zeros(4, np.float32),
        **{f"b_{role}": np.ones(4, np.float32) for role in ("gamma", "beta", "moving_mean", "moving_var")},
        "d_weight": RNG.standard_normal((3, 32), np.float32),
    }
    return write_network(tmp_path_factory.mktemp("damage"), nodes, arrays)


def test_damaged_onnx_files(onnx_file: Path) -> None:
    load_damaged(onnx_file)


def test_damaged_symbol_files(symbol_file: Path) -> None:
    load_damaged(symbol_file, "data=1,2,8,8")


def test_damaged_params_files(symbol_file: Path) -> None:
    load_damaged(symbol_file.with_name("net-0000.params"), "data=1,2,8,8")
