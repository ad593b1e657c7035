"""Shapes and element types of every value, by onnx's own inference on a copy of the graph that holds no weights.

Graph passes leave shape arithmetic for later; here only the small integer tensors that decide shapes are computed
(`arithmetic`), so that a loaded model has no open dimension anywhere.
"""

from __future__ import annotations

import onnx
import onnx_ir as ir

from slim.errors import LoadError, Problem
from slim.load.foreign import foreign
from slim.load.stand_ins import stand_in

SHRINKING = frozenset(
    [
        "Conv",
        "ConvTranspose",
        "ConvInteger",
        "QLinearConv",
        "DeformConv",
        "Col2Im",
        "Pad",
        "Resize",
        "Upsample",
        "MaxPool",
        "AveragePool",
        "LpPool",
        "MaxUnpool",
        "MaxRoiPool",
        "ConstantOfShape",
        "Range",
        "Reshape",
        "Expand",
    ]
)
"""Operators whose inferred dims are arithmetic on attributes or data, and so may come out negative."""

SMALL = 64
"""Elements up to which a constant travels with the graph: longer ones never decide a shape."""


def static_dims(value: ir.Value) -> tuple[int, ...] | None:
    """The value's dims when all of them are known."""
    if value.shape is None:
        return None
    dims = tuple(dim for dim in value.shape.dims if isinstance(dim, int))
    return dims if len(dims) == len(value.shape) else None


def is_known(value: ir.Value) -> bool:
    """True when the value's dims and element type are all known."""
    return value.dtype is not None and static_dims(value) is not None


def check_nodes(model: ir.Model, where: str) -> None:
    """Hold every node against its operator's schema: attributes' names and types, numbers of inputs and outputs.

    Raises `LoadError` with what onnx's checker says."""
    with foreign(where, "is not a valid ONNX model", "was it damaged, or written by hand?"):
        proto = _describe(model)
        del proto.graph.output[:]  # the checker wants their shapes, which are yet to be inferred
        onnx.checker.check_model(proto)


def infer_shapes(model: ir.Model, where: str) -> None:
    """Set the shape and dtype of every value that onnx can infer; in place. Known ones are replaced when inference
    knows better. Raises `LoadError` when inference itself fails."""
    proto = _describe(model)
    for end in _checkpoints(proto):
        _refuse_negative_dims(proto, end, where)
    with foreign(where, "shapes cannot be inferred", "check the shapes given and the model with onnx.checker"):
        inferred = onnx.shape_inference.infer_shapes(proto, check_type=False, strict_mode=False, data_prop=True)
    found = {
        info.name: info.type.tensor_type for info in inferred.graph.value_info if info.type.HasField("tensor_type")
    }
    found |= {info.name: info.type.tensor_type for info in inferred.graph.output if info.type.HasField("tensor_type")}
    for node in model.graph:
        for value in node.outputs:
            if value.name in found:
                _apply(value, found[value.name])


def _checkpoints(proto: onnx.ModelProto) -> list[int]:
    """The indices of the Slice nodes that follow an operator whose inference may give a negative dim.

    onnx's inference aborts the process when a Slice meets one (std::clamp with crossed bounds), for example behind a
    convolution whose window is larger than its input."""
    found: list[int] = []
    risky = False
    for index, node in enumerate(proto.graph.node):
        risky = risky or node.op_type in SHRINKING
        if node.op_type == "Slice" and risky:
            found.append(index)
            risky = False
    return found


def _refuse_negative_dims(proto: onnx.ModelProto, end: int, where: str) -> None:
    """Infer the first `end` nodes alone. Raises `LoadError` with every node that gives a negative dim."""
    prefix = onnx.ModelProto()
    prefix.CopyFrom(proto)
    del prefix.graph.node[end:]
    del prefix.graph.output[:]
    with foreign(where, "shapes cannot be inferred"):
        inferred = onnx.shape_inference.infer_shapes(prefix, check_type=False, strict_mode=False, data_prop=True)
    negative = {
        info.name
        for info in inferred.graph.value_info
        if any(dim.HasField("dim_value") and dim.dim_value < 0 for dim in info.type.tensor_type.shape.dim)
    }
    problems = [
        Problem(
            "its window is larger than its input", f"{where}: node '{node.name}' ({node.op_type})", "give larger shapes"
        )
        for node in prefix.graph.node
        if negative & set(node.output)
    ]
    if problems:
        raise LoadError(problems)


def _apply(value: ir.Value, kind: onnx.TypeProto.Tensor) -> None:
    if kind.elem_type:
        value.dtype = ir.DataType(kind.elem_type)
    if kind.HasField("shape"):
        dims = [dim.dim_value if dim.HasField("dim_value") else None for dim in kind.shape.dim]
        if static_dims(value) is None or None not in dims:
            value.shape = ir.Shape(dims)


def _describe(model: ir.Model) -> onnx.ModelProto:
    """The model as a proto with neither weights nor the shapes that the file claims for inner values."""
    graph = model.graph
    proto = onnx.ModelProto(ir_version=max(model.ir_version or 10, 10))
    proto.graph.name = "shapes"
    for domain, version in model.opset_imports.items():
        proto.opset_import.add(domain=domain, version=version)
    known = {value.name or "" for value in graph.inputs}
    for value in graph.inputs:
        proto.graph.input.append(_value_info(value))
    for value in graph.initializers.values():
        tensor = value.const_value
        if tensor is not None and tensor.size <= SMALL and tensor.dtype != ir.DataType.STRING:
            if isinstance(tensor, ir.ExternalTensor):  # the proto has no folder to look in
                tensor = ir.Tensor(tensor.numpy(), name=value.name)
            proto.graph.initializer.append(ir.serde.serialize_tensor(tensor))
            proto.graph.initializer[-1].name = value.name or ""
        elif value.name not in known:
            proto.graph.input.append(_value_info(value))
    dims = {
        value.name: shape
        for node in graph
        if node.domain == "com.microsoft"
        for value in node.inputs
        if value is not None and value.name and (shape := static_dims(value)) is not None
    }
    for node in graph:
        described = ir.serde.serialize_node(node)
        proto.graph.node.append(stand_in(described, dims) or described)
    for value in graph.outputs:
        proto.graph.output.add(name=value.name or "")
    return proto


def _value_info(value: ir.Value) -> onnx.ValueInfoProto:
    info = onnx.ValueInfoProto(name=value.name or "")
    shape = value.shape
    tensor = value.const_value
    dtype = value.dtype or (tensor.dtype if tensor is not None else None)
    if dtype is not None:
        info.type.tensor_type.elem_type = dtype.value
    if shape is None and tensor is not None:
        shape = ir.Shape(tensor.shape.numpy())
    if shape is not None:
        info.type.tensor_type.shape.SetInParent()
        for dim in shape.dims:
            item = info.type.tensor_type.shape.dim.add()
            if isinstance(dim, int):
                item.dim_value = dim
    return info
