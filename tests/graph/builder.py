"""Small graphs by hand, and onnxruntime as the judge: what the tests of the passes are written in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime as ort
from onnx import helper, numpy_helper

from slim.prune import PassReport

Array = np.ndarray[Any, np.dtype[Any]]
Pass = Callable[[ir.Model], PassReport]


def node(op_type: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    """A node whose inputs and outputs are words; `-` leaves an optional one out."""
    read, written = (["" if name == "-" else name for name in text.split()] for text in (inputs, outputs))
    return helper.make_node(op_type, read, written, **attributes)


def model_of(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Sequence[int]],
    outputs: str,
    constants: Mapping[str, Any] | None = None,
    *,
    opset: int = 21,
    infer: bool = True,
) -> ir.Model:
    """A model with float inputs of these shapes; lists and floats among the constants become int64 and float32."""
    initializers = []
    for name, value in (constants or {}).items():
        array = np.asarray(value)
        if not isinstance(value, np.ndarray | np.generic):
            array = array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
        initializers.append(numpy_helper.from_array(array, name))
    graph = helper.make_graph(
        nodes,
        "by-hand",
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [onnx.ValueInfoProto(name=name) for name in outputs.split()],
        initializers,
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return ir.from_proto(onnx.shape_inference.infer_shapes(proto, data_prop=True) if infer else proto)


def load_for_test(path: Path) -> ir.Model:
    """A file at opset 21 with static shapes (an open dimension is 1); quantized ones keep their opset."""
    proto = onnx.load(path)
    if not any(opset.domain == "com.microsoft" for opset in proto.opset_import):
        proto = onnx.version_converter.convert_version(proto, 21)
    for value in proto.graph.input:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_value = 1
    model = ir.from_proto(onnx.shape_inference.infer_shapes(proto, data_prop=True))
    for name in list(model.graph.initializers):
        if model.graph.initializers[name] in model.graph.inputs:
            model.graph.inputs.remove(model.graph.initializers[name])
    model.ir_version = 10  # before version 4 an initializer has to be an input too, and shape inference holds to that
    return model


def ops(model: ir.Model) -> dict[str, int]:
    """How many nodes of each operator there are."""
    return dict(Counter(each.op_type for each in model.graph))


def array_of(model: ir.Model, name: str) -> Array:
    """An initializer's array."""
    tensor = model.graph.initializers[name].const_value
    assert tensor is not None
    return tensor.numpy()


def operand(each: ir.Node, index: int) -> Array:
    """The array of a node's constant input."""
    value = each.inputs[index]
    assert value is not None
    assert value.const_value is not None
    return value.const_value.numpy()


def run(model: ir.Model, feeds: Mapping[str, Array] | None = None) -> dict[str, Array]:
    """onnxruntime's outputs without its own graph optimisations, for given inputs or seeded random ones."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(ir.to_proto(model).SerializeToString(), options, providers=["CPUExecutionProvider"])
    if feeds is None:
        feeds = {value.name: _random(value) for value in session.get_inputs()}
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feeds)), strict=True))


def _random(value: Any) -> Array:
    rng = np.random.default_rng(7)
    shape = [size if isinstance(size, int) else 1 for size in value.shape]
    if "int" in value.type:
        return rng.integers(0, 200, shape).astype(value.type.removeprefix("tensor(").removesuffix(")"))
    return rng.normal(0, 2, shape).astype(np.float32)


def assert_close(before: Mapping[str, Array], after: Mapping[str, Array], tolerance: float = 1e-5) -> None:
    """The same outputs under the same names, within `tolerance` of each output's range."""
    assert list(before) == list(after)
    for name, expected in before.items():
        assert expected.shape == after[name].shape
        assert expected.dtype == after[name].dtype
        scale = float(np.abs(expected.astype(np.float64)).max()) + 1e-9
        worst = float(np.abs(expected.astype(np.float64) - after[name].astype(np.float64)).max())
        assert worst <= tolerance * scale, f"{name}: {worst} of {scale}"


def assert_typed(model: ir.Model) -> None:
    """Every value's dtype and static shape are there, and are what ONNX infers from the graph afresh."""
    bare = ir.to_proto(model)
    del bare.graph.value_info[:]
    fresh = onnx.shape_inference.infer_shapes(bare, data_prop=True, strict_mode=True)
    inferred = {info.name: info.type.tensor_type for info in (*fresh.graph.value_info, *fresh.graph.output)}
    for each in model.graph:
        for output in each.outputs:
            assert output.shape is not None, output.name
            assert output.shape.is_static(), output.name
            assert output.dtype is not None, output.name
            kind = inferred[str(output.name)]
            assert [dim.dim_value for dim in kind.shape.dim] == list(output.shape.numpy()), output.name
            assert kind.elem_type == output.dtype, output.name


def apply(model: ir.Model, *passes: Pass, tolerance: float = 1e-5) -> PassReport:
    """Run passes, the last one's report back; what the model computes and declares must stay true."""
    before = run(model)
    for each in passes:
        report = each(model)
        assert report.changes == len(report.notes)
    assert_close(before, run(model), tolerance)
    assert_typed(model)
    return report
