"""Programs for the single-file tests, and folders that are built, compiled and run."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper

from slim.amalgamate import Target, load_target
from slim.lower import lower
from slim.runtime import Session
from tests.data import data_path
from tests.nets import net

WARNINGS = ("-Wall", "-Wextra", "-Werror")


def _float_layers() -> tuple[list[onnx.NodeProto], dict[str, np.ndarray]]:
    """Convolution, depthwise, residual add, pooling, dense and softmax in fp32: from `x` to `probabilities`."""
    nodes = [
        helper.make_node("Conv", ["x", "f1"], ["a1"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["a1"], ["a2"]),
        helper.make_node("Conv", ["a2", "f2"], ["a3"], group=20, pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["a3", "f3"], ["a4"], pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["a4", "a2"], ["a5"]),
        helper.make_node("Sigmoid", ["a5"], ["a6"]),
        helper.make_node("GlobalAveragePool", ["a6"], ["a7"]),
        helper.make_node("Flatten", ["a7"], ["a8"]),
        helper.make_node("Gemm", ["a8", "f4"], ["a9"]),
        helper.make_node("Softmax", ["a9"], ["probabilities"]),
    ]
    shapes = {"f1": (20, 3, 3, 3), "f2": (20, 1, 3, 3), "f3": (20, 20, 3, 3), "f4": (20, 11)}
    rng = np.random.default_rng(7)
    return nodes, {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


def _int8_layers() -> tuple[list[onnx.NodeProto], dict[str, np.ndarray]]:
    """The same kinds of layers in QDQ, so that every integer kernel runs: from `x` to `y` and `image`."""
    constants: dict[str, np.ndarray] = {
        "s": np.float32(0.031), "z": np.uint8(121), "zw": np.int8(0), "s2": np.float32(0.04), "z2": np.uint8(3),
    }  # fmt: skip
    nodes = [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["xq"])]
    rng = np.random.default_rng(8)

    def real(name: str, scale: str = "s", zero: str = "z") -> str:
        nodes.append(helper.make_node("DequantizeLinear", [name, scale, zero], [f"{name}_r"]))
        return f"{name}_r"

    def weights(name: str, *shape: int) -> str:
        constants[name] = rng.integers(-127, 128, shape).astype(np.int8)
        constants[f"{name}_s"] = np.float32(0.004)
        return real(name, f"{name}_s", "zw")

    def layer(kind: str, inputs: list[str], out: str, scale: str = "s2", zero: str = "z2", **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [f"{out}_f"], **attributes))
        nodes.append(helper.make_node("QuantizeLinear", [f"{out}_f", scale, zero], [out]))
        return real(out, scale, zero)

    a = layer("Conv", [real("xq"), weights("w1", 21, 3, 3, 3)], "a", "s", "z", pads=[1, 1, 1, 1])
    b = layer("Conv", [a, weights("w2", 21, 1, 3, 3)], "b", "s", "z", group=21, pads=[1, 1, 1, 1])
    c = layer("Conv", [b, weights("w3", 21, 21, 1, 1)], "c")
    d = layer("Add", [c, a], "d")
    e = layer("GlobalAveragePool", [d], "e")
    nodes.append(helper.make_node("Flatten", [e], ["flat"]))
    f = layer("Gemm", ["flat", weights("w4", 21, 10)], "f", "s", "z")
    nodes += [helper.make_node("Identity", [d], ["image"]), helper.make_node("Identity", [f], ["y"])]
    return nodes, constants


def _program(*parts: tuple[list[onnx.NodeProto], dict[str, np.ndarray]], outputs: tuple[str, ...]) -> bytes:
    nodes = [node for part, _ in parts for node in part]
    constants = {name: array for _, arrays in parts for name, array in arrays.items()}
    return bytes(lower(ir.from_proto(net(nodes, {"x": (1, 3, 11, 9)}, outputs, constants))))


@cache
def float_program() -> bytes:
    """A small network in fp32: `x` (1, 3, 11, 9) to `probabilities`."""
    return _program(_float_layers(), outputs=("probabilities",))


@cache
def int8_program() -> bytes:
    """A small quantized network: `x` (1, 3, 11, 9) to `y` and `image`, which are multiples of their scales."""
    return _program(_int8_layers(), outputs=("y", "image"))


@cache
def mixed_program() -> bytes:
    """Both networks side by side."""
    return _program(_float_layers(), _int8_layers(), outputs=("y", "image", "probabilities"))


@cache
def real_program(name: str, arithmetic: str = "fp32") -> bytes:
    """The network in `models/NAME/model.onnx`, simplified and lowered."""
    from slim.graph import simplify
    from slim.load import load
    from slim.quantize.qlinear import to_qdq

    model = to_qdq(load(str(data_path("models", name, "model.onnx"))))
    simplify(model)
    return bytes(lower(model, arithmetic=arithmetic))


def feeds_of(program: bytes, seed: int = 1) -> dict[str, np.ndarray]:
    """A random array for each input."""
    rng = np.random.default_rng(seed)
    inputs = Session(program).inputs
    return {info.name: rng.uniform(-2, 2, info.shape).astype(info.dtype) for info in inputs}


def with_isas(target: str, *isas: str) -> Target:
    """A target that holds only these instruction sets."""
    return replace(load_target(target), isas=isas)


def write_inputs(program: bytes, feeds: dict[str, np.ndarray], folder: Path) -> list[str]:
    """The inputs as raw files in a folder; their names."""
    names = [f"in{index}.bin" for index in range(len(feeds))]
    for name, info in zip(names, Session(program).inputs, strict=True):
        (folder / name).write_bytes(feeds[info.name].tobytes())
    return names


def read_outputs(program: bytes, folder: Path, prefix: str) -> dict[str, np.ndarray]:
    """The raw files PREFIX0.bin, ... as arrays by the names of the outputs."""
    return {
        info.name: np.fromfile(folder / f"{prefix}{index}.bin", info.dtype).reshape(info.shape)
        for index, info in enumerate(Session(program).outputs)
    }


def need(*tools: str) -> None:
    """Skip the test where one of these commands is not installed; fail it under CI."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        message = f"{' and '.join(missing)} not installed"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
