"""QLinear operators rewritten to QDQ give the same numbers in onnxruntime, which has kernels for both."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from slim.errors import UnsupportedError
from slim.quantize import quantize
from slim.quantize.qlinear import is_quantized, to_qdq
from tests.quantize.nets import Array, Step, build, run

RANDOM = np.random.default_rng(11)
SCALE = np.float32(0.05)

SCALES: dict[str, Array] = {
    "xs": SCALE, "xz": np.uint8(120), "ys": np.float32(0.04), "yz": np.uint8(130),
    "zs": np.float32(0.1), "zz": np.uint8(90),
    "image.w": RANDOM.integers(-127, 128, (4, 2, 3, 3)).astype(np.int8),
    "image.ws": np.float32([0.01, 0.02, 0.03, 0.005]),
    "image.wz": np.zeros(4, np.int8), "image.b": RANDOM.integers(-500, 500, 4).astype(np.int32),
    "rows.w": RANDOM.integers(-127, 128, (12, 5)).astype(np.int8), "rows.ws": np.float32(0.01), "rows.wz": np.int8(0),
    "rows.b": RANDOM.integers(-500, 500, 5).astype(np.int32),
}  # fmt: skip
X, Y, Z = ["q", "xs", "xz"], ["ys", "yz"], ["zs", "zz"]
CONV = ["image.w", "image.ws", "image.wz"]
DENSE = ["rows.w", "rows.ws", "rows.wz"]
MS = "com.microsoft::"

IMAGE, ROWS = (1, 2, 6, 6), (1, 12)
CASES: dict[str, tuple[tuple[int, ...], list[Step]]] = {
    "convolution": (IMAGE, [("QLinearConv", [*X, *CONV, *Y, "image.b"], ["p"], {"pads": [1, 1, 1, 1]})]),
    "convolution without bias": (IMAGE, [("QLinearConv", [*X, *CONV, *Y], ["p"], {"strides": [2, 2]})]),
    "max pool of bytes": (IMAGE, [
        ("QLinearConv", [*X, *CONV, *Y, "image.b"], ["c"], {}), ("MaxPool", ["c"], ["p"], {"kernel_shape": [2, 2]}),
    ]),
    "reshape of bytes": (IMAGE, [("Reshape", ["q", "flat"], ["r"], {}), ("Transpose", ["r"], ["p"], {"perm": [1, 0]})]),
    "matmul": (ROWS, [("QLinearMatMul", [*X, *DENSE, *Y], ["p"], {})]),
    "gemm": (ROWS, [(MS + "QGemm", [*X, *DENSE, "rows.b", *Y], ["p"], {})]),
    "add": (ROWS, [(MS + "QLinearAdd", [*X, "other", *Z, *Y], ["p"], {})]),
    "multiply": (ROWS, [(MS + "QLinearMul", [*X, "other", *Z, *Y], ["p"], {})]),
    "sigmoid": (ROWS, [(MS + "QLinearSigmoid", [*X, *Y], ["p"], {})]),
    "leaky relu": (ROWS, [(MS + "QLinearLeakyRelu", [*X, *Y], ["p"], {"alpha": 0.2})]),
    "average pool": (IMAGE, [(MS + "QLinearAveragePool", [*X, *Y], ["p"], {"kernel_shape": [2, 2]})]),
    "global average pool": (IMAGE, [(MS + "QLinearGlobalAveragePool", [*X, *Y], ["p"], {"channels_last": 0})]),
    "concat": (ROWS, [(MS + "QLinearConcat", [*Y, *X, "other", *Z], ["p"], {"axis": 1})]),
}  # fmt: skip


def network(name: str) -> tuple[ir.Model, Array, float]:
    """The case between a QuantizeLinear and a DequantizeLinear, an input for it, and its output's scale."""
    shape, steps = CASES[name]
    moves = name == "reshape of bytes"
    constants = SCALES | {"other": RANDOM.integers(0, 256, ROWS).astype(np.uint8), "flat": np.array([2, -1])}
    last = ["p", "xs", "xz"] if moves else ["p", *Y]
    steps = [("QuantizeLinear", ["x", "xs", "xz"], ["q"], {}), *steps, ("DequantizeLinear", last, ["y"], {})]
    used = {source for _, sources, _, _ in steps for source in sources}
    model = build(steps, {"x": shape}, ["y"], {key: value for key, value in constants.items() if key in used})
    return model, RANDOM.normal(0, 2, shape).astype(np.float32), float(SCALE if moves else constants["ys"])


@pytest.mark.parametrize("name", CASES)
def test_same_numbers_within_one_step_and_no_qlinear_operator_left(name: str) -> None:
    model, x, step = network(name)
    rewritten = to_qdq(model)
    onnx.checker.check_model(ir.to_proto(rewritten))
    assert not [
        node.op_type for node in rewritten.graph if node.op_type.startswith("Q") and node.op_type != "QuantizeLinear"
    ]
    expected, got = run(model, {"x": x})[0], run(rewritten, {"x": x})[0]
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= step * 1.001
    assert np.ptp(expected) > 2 * step  # the case is not degenerate


@pytest.mark.parametrize("name", ["max pool of bytes", "reshape of bytes"])
def test_operators_that_move_bytes_become_float_operators_between_a_pair(name: str) -> None:
    rewritten = to_qdq(network(name)[0])
    for node in rewritten.graph:
        if node.op_type in ("MaxPool", "Reshape", "Transpose"):
            assert node.inputs[0].producer().op_type == "DequantizeLinear"  # type: ignore[union-attr]
            assert [user.op_type for user in node.outputs[0].consumers()] == ["QuantizeLinear"]


def test_every_operator_that_cannot_be_rewritten_is_named() -> None:
    steps: list[Step] = [
        ("QuantizeLinear", ["x", "xs", "xz"], ["q"], {}),
        (MS + "QLinearReduceMean", [*X, *Y], ["m"], {"axes": [2]}),
        (MS + "QLinearAveragePool", [*X, *Y], ["a"], {"kernel_shape": [2, 2], "channels_last": 1}),
        ("DequantizeLinear", ["q", "xs", "xz"], ["y"], {}),
    ]
    model = build(steps, {"x": IMAGE}, ["y"], {key: SCALES[key] for key in ("xs", "xz", "ys", "yz")})
    with pytest.raises(UnsupportedError) as caught:
        to_qdq(model)
    assert [problem.where for problem in caught.value.problems] == [
        "node 'm' (QLinearReduceMean)", "node 'a' (QLinearAveragePool)",
    ]  # fmt: skip


def test_a_qlinear_model_is_not_quantized_again() -> None:
    model, x, _ = network("convolution")
    assert is_quantized(model)
    result, report = quantize(model, [{"x": x}])
    assert [node.op_type for node in result.graph] == [node.op_type for node in model.graph]
    assert report.notes


def test_a_float_model_is_copied() -> None:
    model: Any = build([("Relu", ["x"], ["y"], {})], {"x": (1, 4)}, ["y"], {})
    assert not is_quantized(model)
    assert [node.op_type for node in to_qdq(model).graph] == ["Relu"]
