"""Small networks for the quantization tests, built from ONNX text or numpy, and a way to run them in onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir
import onnxruntime
from onnx import helper, numpy_helper

Array = npt.NDArray[Any]
Step = tuple[str, list[str], list[str], dict[str, Any]]


def build(
    steps: Sequence[Step],
    inputs: Mapping[str, Sequence[int]],
    outputs: Sequence[str],
    constants: Mapping[str, Array],
) -> ir.Model:
    """A model at opset 21 with inferred shapes. A step is (operator, inputs, outputs, attributes)."""
    nodes = []
    for kind, ins, outs, attributes in steps:
        domain, _, name = kind.rpartition("::")
        nodes.append(helper.make_node(name, ins, outs, name=outs[0], domain=domain, **attributes))
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(shape)) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    imports = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=10)
    return ir.from_proto(onnx.shape_inference.infer_shapes(model))


def run(model: ir.Model, feeds: Mapping[str, Array], optimise: bool = False) -> list[Array]:
    """The model's outputs by onnxruntime."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(ir.to_proto(model).SerializeToString(), options)
    outputs: list[Array] = session.run(None, dict(feeds))
    return outputs


def sqnr(reference: Array, got: Array) -> float:
    """Signal to quantization noise, in dB."""
    noise = np.square(reference - got).sum()
    return float(10 * np.log10(np.square(reference).sum() / noise)) if noise else np.inf


def mobile_net(seed: int = 0, clip: float = 6.0) -> tuple[ir.Model, list[dict[str, Array]]]:
    """An inverted-residual network with channels of very unlike ranges, and 8 samples."""
    random = np.random.default_rng(seed)

    def weights(*shape: int) -> npt.NDArray[np.float32]:
        fan = int(np.prod(shape[1:]))
        spread = np.exp(random.normal(0, 1.0, (shape[0], *[1] * (len(shape) - 1))))
        return (random.normal(0, 1, shape) / np.sqrt(fan) * spread).astype(np.float32)

    constants: dict[str, Array] = {
        "w0": weights(8, 3, 3, 3), "b0": random.normal(0, 0.2, 8).astype(np.float32),
        "w1": weights(16, 8, 1, 1), "b1": random.normal(0, 0.2, 16).astype(np.float32),
        "w2": weights(16, 1, 3, 3), "b2": random.normal(0, 0.2, 16).astype(np.float32),
        "w3": weights(8, 16, 1, 1), "b3": random.normal(0, 0.2, 8).astype(np.float32),
        "w4": weights(8, 10), "b4": random.normal(0, 0.2, 10).astype(np.float32),
        "low": np.float32(0), "high": np.float32(clip),
    }  # fmt: skip
    steps: list[Step] = [
        ("Conv", ["x", "w0", "b0"], ["c0"], {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
        ("Conv", ["c0", "w1", "b1"], ["c1"], {}),
        ("Clip", ["c1", "low", "high"], ["r1"], {}),
        ("Conv", ["r1", "w2", "b2"], ["c2"], {"pads": [1, 1, 1, 1], "group": 16}),
        ("Clip", ["c2", "low", "high"], ["r2"], {}),
        ("Conv", ["r2", "w3", "b3"], ["c3"], {}),
        ("Add", ["c3", "c0"], ["a"], {}),
        ("GlobalAveragePool", ["a"], ["g"], {}),
        ("Flatten", ["g"], ["f"], {}),
        ("Gemm", ["f", "w4", "b4"], ["y"], {}),
    ]
    model = build(steps, {"x": (1, 3, 16, 16)}, ["y"], constants)
    return model, [{"x": random.normal(0, 1, (1, 3, 16, 16)).astype(np.float32)} for _ in range(8)]
