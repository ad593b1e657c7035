"""Rules for the operators whose meaning or form changed between opsets 7 and 21 (source: onnx, docs/Changelog.md).

Each rule edits one node in place, from the form before the opset named in `ADAPTERS` to the form from it on. Operators
that changed only in the types they accept, or that gained optional inputs and attributes, need no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx_ir as ir


class RefusalError(Exception):
    """A node whose old form has no equivalent; the text says why."""


def _constant(node: ir.Node, role: str, array: np.ndarray) -> ir.Value:
    """A new initializer in the node's graph, named after the node's output and its role."""
    graph = node.graph
    assert isinstance(graph, ir.Graph)
    name = f"{node.outputs[0].name}.{role}"
    while name in graph.initializers:
        name += "_"
    value = ir.Value(
        name=name,
        shape=ir.Shape(array.shape),
        type=ir.TensorType(ir.DataType.from_numpy(array.dtype)),
        const_value=ir.Tensor(array, name=name),
    )
    graph.register_initializer(value)
    return value


def _set_input(node: ir.Node, index: int, value: ir.Value | None) -> None:
    if len(node.inputs) <= index:
        node.resize_inputs(index + 1)
    node.replace_input_with(index, value)


def _ints(node: ir.Node, name: str) -> tuple[int, ...] | None:
    attribute = node.attributes.pop(name, None)
    return None if attribute is None else tuple(attribute.as_ints())


def _attribute_to_input(name: str, index: int) -> Callable[[ir.Node], None]:
    """The rule that moves a list of integers from an attribute to the input at `index`."""

    def adapt(node: ir.Node) -> None:
        values = _ints(node, name)
        if values is not None:
            _set_input(node, index, _constant(node, name, np.array(values, np.int64)))

    return adapt


def _numeric_type(node: ir.Node) -> np.dtype:
    """The numpy type of the node's first input, float32 when it is not known."""
    dtype = node.inputs[0].dtype if node.inputs and node.inputs[0] is not None else None
    return np.dtype(np.float32) if dtype is None else dtype.numpy()


def _batch_norm_9(node: ir.Node) -> None:
    spatial = node.attributes.pop("spatial", None)
    if spatial is not None and spatial.as_int() == 0:
        raise RefusalError("normalises each position by itself (spatial=0), which later opsets dropped")


def _batch_norm_14(node: ir.Node) -> None:
    if any(value.uses() or value.is_graph_output() for value in node.outputs[1:]):
        raise RefusalError("gives the running mean and variance of training as outputs")
    if len(node.outputs) > 1:
        node.resize_outputs(1)


def _upsample_9(node: ir.Node) -> None:
    scales = node.attributes.pop("scales", None)
    if scales is None:
        raise RefusalError("has no scales")
    _set_input(node, 1, _constant(node, "scales", np.array(scales.as_floats(), np.float32)))


def _resize_11(node: ir.Node) -> None:
    """Upsample and Resize-10 (X, scales) sample at x / scale, without centres; Resize-11 is (X, roi, scales)."""
    node.op_type = "Resize"
    scales = node.inputs[1]
    _set_input(node, 2, scales)
    node.replace_input_with(1, None)
    node.attributes["coordinate_transformation_mode"] = ir.AttrString("coordinate_transformation_mode", "asymmetric")
    node.attributes["nearest_mode"] = ir.AttrString("nearest_mode", "floor")


def _resize_13(node: ir.Node) -> None:
    mode = node.attributes.get("coordinate_transformation_mode")
    if mode is not None and mode.as_string() == "tf_half_pixel_for_nn":
        raise RefusalError("uses the coordinate mode tf_half_pixel_for_nn, which later opsets dropped")


def _slice_10(node: ir.Node) -> None:
    starts, ends, axes = (_ints(node, name) for name in ("starts", "ends", "axes"))
    if starts is None or ends is None or len(starts) != len(ends):
        raise RefusalError("has no matching starts and ends")
    axes = tuple(range(len(starts))) if axes is None else axes
    for index, (role, values) in enumerate((("starts", starts), ("ends", ends), ("axes", axes)), start=1):
        _set_input(node, index, _constant(node, role, np.array(values, np.int64)))


def _top_k_10(node: ir.Node) -> None:
    count = node.attributes.pop("k")
    _set_input(node, 1, _constant(node, "k", np.array([count.as_int()], np.int64)))


def _clip_11(node: ir.Node) -> None:
    for index, name in enumerate(("min", "max"), start=1):
        bound = node.attributes.pop(name, None)
        if bound is not None:
            _set_input(node, index, _constant(node, name, np.array(bound.as_float(), _numeric_type(node))))


def _pad_11(node: ir.Node) -> None:
    pads = _ints(node, "pads")
    if pads is None:
        raise RefusalError("has no pads")
    value = node.attributes.pop("value", None)
    _set_input(node, 1, _constant(node, "pads", np.array(pads, np.int64)))
    if value is not None and value.as_float() != 0.0:
        _set_input(node, 2, _constant(node, "value", np.array(value.as_float(), _numeric_type(node))))


def _dropout_12(node: ir.Node) -> None:
    ratio = node.attributes.pop("ratio", None)
    if ratio is not None:
        _set_input(node, 1, _constant(node, "ratio", np.array(ratio.as_float(), np.float32)))


def _softmax_13(node: ir.Node) -> None:
    """Before 13 the input was flattened to two dims at `axis` (default 1); from 13 one axis is normalised."""
    operand = node.inputs[0]
    assert operand is not None
    if operand.shape is None:
        raise RefusalError("its input's rank is not known")
    rank = len(operand.shape)
    attribute = node.attributes.get("axis")
    axis = 1 if attribute is None else attribute.as_int()
    axis += rank if axis < 0 else 0
    dims = operand.shape.dims[axis:]
    if axis == rank - 1 or all(dim == 1 for dim in dims[1:]):
        node.attributes["axis"] = ir.AttrInt64("axis", axis)
        return
    if not operand.shape.is_static():
        raise RefusalError("its input's shape is not known")
    before = np.array(operand.shape.numpy(), np.int64)
    flat = (int(np.prod(before[:axis], dtype=np.int64)), int(np.prod(before[axis:], dtype=np.int64)))
    output = node.outputs[0]
    flatten = _node_before(node, "Reshape", [operand, _constant(node, "dims", np.array(flat, np.int64))], flat)
    node.replace_input_with(0, flatten.outputs[0])
    node.attributes["axis"] = ir.AttrInt64("axis", 1)
    back = ir.Node("", "Reshape", [output, _constant(node, "shape", before)], name=f"{node.name}.unflatten")
    result = back.outputs[0]
    result.shape, result.type = ir.Shape(before.tolist()), output.type
    node.append(back)
    name = output.name
    ir.convenience.replace_all_uses_with(output, result, replace_graph_outputs=True)
    back.replace_input_with(0, output)
    output.shape = ir.Shape(flat)
    output.name, result.name = f"{name}.flat", name


def _node_before(node: ir.Node, operator: str, inputs: Sequence[ir.Value], shape: Sequence[int]) -> ir.Node:
    added = ir.Node("", operator, inputs, name=f"{node.name}.flatten")
    value = added.outputs[0]
    value.name, value.shape = f"{node.outputs[0].name}.flatten", ir.Shape(shape)
    value.type = inputs[0].type
    node.prepend(added)
    return added


def _split_13(node: ir.Node) -> None:
    sizes = _ints(node, "split")
    if sizes is not None:
        _set_input(node, 1, _constant(node, "split", np.array(sizes, np.int64)))


def _split_18(node: ir.Node) -> None:
    if len(node.inputs) < 2 or node.inputs[1] is None:
        node.attributes["num_outputs"] = ir.AttrInt64("num_outputs", len(node.outputs))


def _scatter_11(node: ir.Node) -> None:
    node.op_type = "ScatterElements"


def _roi_align_16(node: ir.Node) -> None:
    name = "coordinate_transformation_mode"
    node.attributes.setdefault(name, ir.AttrString(name, "output_half_pixel"))


def _grid_sample_20(node: ir.Node) -> None:
    mode = node.attributes.get("mode")
    renamed = {"bilinear": "linear", "bicubic": "cubic"}
    if mode is not None and mode.as_string() in renamed:
        node.attributes["mode"] = ir.AttrString("mode", renamed[mode.as_string()])


def _refuse(reason: str) -> Callable[[ir.Node], None]:
    def adapt(node: ir.Node) -> None:
        raise RefusalError(reason)

    return adapt


_REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare")

Rules = tuple[tuple[str, int, Callable[[ir.Node], None]], ...]

ADAPTERS: Rules = (
    ("BatchNormalization", 9, _batch_norm_9),
    ("BatchNormalization", 14, _batch_norm_14),
    ("Scan", 9, _refuse("has the form of opset 8, with a batch dimension")),
    ("Upsample", 9, _upsample_9),
    ("Upsample", 11, _resize_11),
    ("Resize", 11, _resize_11),
    ("Resize", 13, _resize_13),
    ("Slice", 10, _slice_10),
    ("TopK", 10, _top_k_10),
    ("Clip", 11, _clip_11),
    ("Pad", 11, _pad_11),
    ("Scatter", 11, _scatter_11),
    ("Dropout", 12, _dropout_12),
    *((operator, 13, _attribute_to_input("axes", 1)) for operator in ("Squeeze", "Unsqueeze", "ReduceSum")),
    ("Split", 13, _split_13),
    ("RoiAlign", 16, _roi_align_16),
    ("Split", 18, _split_18),
    *((f"Reduce{kind}", 18, _attribute_to_input("axes", 1)) for kind in _REDUCTIONS),
    ("GridSample", 20, _grid_sample_20),
    ("DFT", 20, _refuse("has the form of opset 17, with its axis as an attribute")),
)
"""Operator, the opset that changed it, and the rule that brings a node to that opset; applied in this order."""

RANKED_ADAPTERS: Rules = tuple((operator, 13, _softmax_13) for operator in ("Softmax", "LogSoftmax", "Hardmax"))
"""The rules that need the shapes of their inputs."""
