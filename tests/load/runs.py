"""Runs a model in onnxruntime, the judge of what a loaded model computes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime


def run(model: ir.Model | onnx.ModelProto, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The model's outputs, without onnxruntime's own graph optimisations."""
    proto = ir.to_proto(model) if isinstance(model, ir.Model) else model
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options)
    return list(session.run(None, dict(feeds)))


def assert_close(got: np.ndarray, want: np.ndarray, within: float) -> None:
    """Same shape, and equal within `within` of the range of `want`."""
    assert got.shape == want.shape
    span = max(float(np.ptp(want)), float(np.abs(want).max()), 1e-6)
    assert float(np.abs(got.astype(np.float64) - want).max()) <= within * span


def random_feeds(model: ir.Model, seed: int = 0) -> dict[str, np.ndarray]:
    """Seeded inputs of the model's shapes and types."""
    rng = np.random.default_rng(seed)
    feeds = {}
    for value in model.graph.inputs:
        assert value.shape is not None
        assert value.dtype is not None
        assert value.name is not None
        shape, dtype = value.shape.numpy(), value.dtype.numpy()
        integers = np.issubdtype(dtype, np.integer)
        array = rng.integers(0, 256, shape) if integers else rng.standard_normal(shape)
        feeds[value.name] = array.astype(dtype)
    return feeds


def assert_settled(model: ir.Model) -> None:
    """Opset 21, valid by onnx's checker, and every value static."""
    assert model.opset_imports[""] == 21
    proto = ir.to_proto(model)
    if all(node.domain == "" for node in model.graph):
        onnx.checker.check_model(proto, full_check=True)
    outputs = set(model.graph.outputs)
    for node in model.graph:
        for value in node.outputs:
            if value.uses() or value in outputs:
                assert value.shape is not None, f"{node.name}: {value.name}"
                assert value.shape.is_static(), f"{node.name}: {value.name}"
                assert value.dtype is not None, f"{node.name}: {value.name}"
