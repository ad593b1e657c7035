"""onnxruntime as the judge: one ONNX node, run on arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
from onnx import helper

OPSET = 21


def judge(
    op_type: str, inputs: Sequence[np.ndarray | None], outputs: int = 1, **attributes: object
) -> list[np.ndarray]:
    """The outputs of ONNX's operator; NHWC arrays are the caller's to transpose."""
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    results = [f"y{i}" for i in range(outputs)]
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in zip(names, inputs, strict=True)
        if x is not None
    ]
    node = helper.make_node(op_type, names, results, **attributes)
    graph = helper.make_graph([node], "one", infos, [onnx.ValueInfoProto(name=name) for name in results])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {name: x for name, x in zip(names, inputs, strict=True) if x is not None})


def first_channel(x: np.ndarray) -> np.ndarray:
    """NHWC -> NCHW."""
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def last_channel(x: np.ndarray) -> np.ndarray:
    """NCHW -> NHWC."""
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1))
