"""Small ONNX networks for tests, and the outside judge that runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnx_ir as ir
from onnx import TensorProto, helper, numpy_helper

OPSET = 21


def net(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Sequence[int]],
    outputs: Sequence[str],
    constants: Mapping[str, np.ndarray] | None = None,
) -> onnx.ModelProto:
    """A float32 network with static shapes, inferred for every value."""
    graph = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    return onnx.shape_inference.infer_shapes(model, strict_mode=True)


def onnxruntime_run(
    model: onnx.ModelProto, feeds: Mapping[str, np.ndarray], *, optimize: bool = True
) -> dict[str, np.ndarray]:
    """What onnxruntime says."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    if not optimize:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feeds)), strict=True))


def slim_run(
    model: onnx.ModelProto, feeds: Mapping[str, np.ndarray], *, isa: str = "auto", threads: int = 1
) -> dict[str, np.ndarray]:
    """What the core says of the lowered network, without any graph pass."""
    from slim.lower import lower
    from slim.runtime import Session

    session = Session(lower(ir.from_proto(model)), threads=threads, isa=isa)
    return session.run(feeds)


def assert_agrees(
    model: onnx.ModelProto, feeds: Mapping[str, np.ndarray], *, tolerance: float = 1e-5, isa: str = "auto"
) -> None:
    """Every output within `tolerance` of its range (or of its largest value, where that is larger)."""
    expected = onnxruntime_run(model, feeds)
    got = slim_run(model, feeds, isa=isa)
    assert set(got) == set(expected)
    for name, reference in expected.items():
        assert got[name].shape == reference.shape, name
        span = max(float(np.ptp(reference)), float(np.abs(reference).max()), 1e-6)
        np.testing.assert_allclose(got[name] / span, reference / span, rtol=0, atol=tolerance, err_msg=name)
