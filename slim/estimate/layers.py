"""From nodes to layers: what a person calls one layer and the core runs as one step.

A convolution with the activation, residual add and quantizer behind it is one layer; the fusions assumed are those that
`slim.lower` makes. The model comes from `slim.graph` or `slim.quantize`, the layers go to the roofline and the report.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import onnx_ir as ir

from slim.estimate.count import Count, Kind, count
from slim.estimate.tensors import Dims, bytes_of, elements, is_constant, is_integer, shape_of, stored

LINEAR = (Kind.CONV, Kind.POINTWISE, Kind.DEPTHWISE, Kind.DENSE)
ACTIVATIONS = ("Relu", "Clip", "HardSwish", "HardSigmoid", "LeakyRelu", "PRelu", "Sigmoid", "Tanh")
FREE = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Constant", "Shape", "Dropout")
"""Operators that move nothing: a new shape on the same bytes, or something known before the first run."""


@dataclass(frozen=True)
class Activation:
    """A value at the edge of a step: its name, shape, and the bytes that it really takes (1 each when quantized)."""

    name: str
    shape: Dims
    bytes: int


@dataclass(frozen=True)
class Layer:
    """One step: its operators in order (the first gives the kind), cost, and what it reads and writes.

    `weight_bytes` are its constants, those of dequantizers included."""

    name: str
    operators: tuple[str, ...]
    kind: Kind
    integer: bool
    macs: int
    element_ops: int
    winograd: bool
    weight_bytes: int
    inputs: tuple[Activation, ...]
    outputs: tuple[Activation, ...]

    @property
    def flops(self) -> int:
        """Floating point (or integer) operations: two for each MAC, plus the others."""
        return 2 * self.macs + self.element_ops

    @property
    def activation_bytes(self) -> int:
        """Bytes of activations that it reads and writes."""
        return sum(activation.bytes for activation in (*self.inputs, *self.outputs))

    @property
    def free(self) -> bool:
        """Whether the step costs no time: it neither computes nor moves anything."""
        return all(operator in FREE for operator in self.operators)


@dataclass
class _Group:
    nodes: list[ir.Node]
    count: Count
    inputs: list[ir.Value] = field(default_factory=list)


def layers_of(model: ir.Model) -> tuple[Layer, ...]:
    """The layers in the order of the graph.

    Raises UnsupportedError when a shape is not known or a dimension is open."""
    groups: dict[ir.Node, _Group] = {}
    for node in model.graph:
        if _computed_before_running(node):
            continue
        into = _fuses_into(node, groups)
        if into is not None:
            into.nodes.append(node)
            groups[node] = into
        else:
            groups[node] = _Group([node], count(node))
    unique = {id(group): group for group in groups.values()}
    return tuple(_layer(group) for group in unique.values())


def weights_of(model: ir.Model) -> int:
    """Bytes of all constants that some node reads, each counted once."""
    seen: dict[ir.Value, int] = {}
    for node in model.graph.all_nodes():
        for value in node.inputs:
            if value is not None and _is_weight(value):
                seen[value] = bytes_of(value)
    return sum(seen.values())


def parameters_of(model: ir.Model) -> int:
    """Number of trained values: elements of weights, not of scales, shapes and indices."""
    trained: dict[ir.Value, int] = {}
    for node in model.graph.all_nodes():
        inputs = node.inputs[:1] if node.op_type in ("QuantizeLinear", "DequantizeLinear") else node.inputs
        for value in inputs:
            if value is not None and _is_weight(value) and value.dtype not in (ir.DataType.INT64, ir.DataType.BOOL):
                trained[value] = elements(value)
    return sum(trained.values())


def _is_weight(value: ir.Value) -> bool:
    return value.is_initializer() or (value.const_value is not None and value.producer() is None)


def _computed_before_running(node: ir.Node) -> bool:
    """Constants, and dequantizers of constants, are folded before the first run."""
    return node.op_type == "Constant" or (node.op_type == "DequantizeLinear" and is_constant(node.inputs[0]))


def _only_user(value: ir.Value) -> bool:
    return len(value.uses()) == 1 and not value.is_graph_output()


def _fuses_into(node: ir.Node, groups: dict[ir.Node, _Group]) -> _Group | None:
    """The group that the core runs this node with, or None when it starts its own."""
    for value in node.inputs:
        producer = value.producer() if value is not None else None
        group = groups.get(producer) if producer is not None else None
        if value is None or group is None or producer is not group.nodes[-1]:
            continue
        kinds = [n.op_type for n in group.nodes]
        head = group.count.kind
        if node.op_type == "DequantizeLinear" and producer.op_type == "QuantizeLinear":
            return group
        if not _only_user(value) or "QuantizeLinear" in kinds:  # what was quantized was written
            continue
        if node.op_type == "QuantizeLinear" and head is not Kind.MOVE:
            return group
        computes = head in LINEAR or kinds[0] in ("Add", "Mul", "Sub")
        activated = any(kind in ACTIVATIONS for kind in kinds)
        if node.op_type in ACTIVATIONS and computes and not activated:
            return group
        residual = node.op_type == "Add" and not any(is_constant(v) for v in node.inputs)
        same = residual and all(v is not None and shape_of(v) == shape_of(value) for v in node.inputs)
        if same and head in LINEAR and not activated and "Add" not in kinds:
            return group
        bias = node.op_type == "Add" and any(is_constant(v) for v in node.inputs)
        if bias and kinds == ["MatMul"]:
            return group
    return None


def _layer(group: _Group) -> Layer:
    nodes = group.nodes
    inside = {output for node in nodes for output in node.outputs}
    reads: dict[ir.Value, None] = {}
    weights: dict[ir.Value, int] = {}
    for node in nodes:
        for value in node.inputs:
            if value is None or value in inside:
                continue
            if is_constant(value):
                for constant in _constants_behind(value):
                    weights[constant] = bytes_of(constant)
            else:
                reads[stored(value)] = None
    writes = [value for value in inside if _leaves(value, nodes)]
    head = nodes[0]
    macs = sum(count(node).macs for node in nodes)
    element_ops = sum(count(node).element_ops for node in nodes)
    real = [node.op_type for node in nodes if node.op_type not in ("QuantizeLinear", "DequantizeLinear")]
    return Layer(
        name=head.name or next((output.name or "" for output in head.outputs), ""),
        operators=tuple(real) or tuple(node.op_type for node in nodes[:1]),
        kind=group.count.kind,
        integer=any(is_integer(value) for value in reads) and head.op_type != "DequantizeLinear",
        macs=macs,
        element_ops=element_ops,
        winograd=group.count.winograd,
        weight_bytes=sum(weights.values()),
        inputs=tuple(_activation(value) for value in reads),
        outputs=tuple(_activation(value) for value in dict.fromkeys(stored(value) for value in writes)),
    )


def _activation(value: ir.Value) -> Activation:
    return Activation(value.name or "", shape_of(value), bytes_of(value))


def _leaves(value: ir.Value, nodes: list[ir.Node]) -> bool:
    """Whether a value exists in memory after the step: read elsewhere, and not only the float face of stored bytes."""
    if value.is_graph_output():
        return True
    outside = any(user not in nodes for user, _ in value.uses())
    producer = value.producer()
    if producer is not None and producer.op_type == "DequantizeLinear":
        return outside and len(nodes) == 1
    faces = [user.outputs[0] for user, _ in value.uses() if user.op_type == "DequantizeLinear" and user in nodes]
    return outside or any(face.is_graph_output() or any(u not in nodes for u, _ in face.uses()) for face in faces)


def _constants_behind(value: ir.Value) -> Iterable[ir.Value]:
    """The initializers that hold a constant: itself, or what its dequantizer reads."""
    producer = value.producer()
    if producer is None or producer.op_type == "Constant":
        return (value,)
    return (v for v in producer.inputs if v is not None)
