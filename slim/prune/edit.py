"""Editing an `onnx_ir` graph: the few operations that every removing and rewriting pass is made of.

All of them keep three things true: the names of the graph's outputs, the dtype and shape of every value, and that a
constant seen by other nodes is not changed under them. "Constant" always means an initializer that is not also a graph
input (such a one can be overridden by the caller); `Constant` nodes are lifted to initializers before any pass runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

Array = np.ndarray[Any, np.dtype[Any]]

RANDOM = ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli")
"""Standard operators that answer differently each time."""

SUBGRAPHS = (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS)
"""Attributes that hold graphs, whose nodes may read the outer graph's values."""


def is_op(node: ir.Node | None, *op_types: str) -> bool:
    """Whether the node is one of these operators of the standard ONNX domain."""
    return node is not None and node.op_type in op_types and node.domain == ""


def nodes_of(graph: ir.Graph, *op_types: str) -> list[ir.Node]:
    """The graph's own nodes (not those of subgraphs) of these standard operators, in order, as a list that may be
    edited around: check `node.graph is None` for one that an earlier edit removed."""
    return [node for node in graph if node.op_type in op_types and node.domain == ""]


def where(node: ir.Node) -> str:
    """How a note names a node: `'conv1' (Conv)`."""
    return f"{(node.name or node.outputs[0].name)!r} ({node.op_type})"


def is_constant(value: ir.Value | None) -> bool:
    """Whether the value is an initializer with data that no caller can override."""
    return value is not None and value.is_initializer() and not value.is_graph_input() and value.const_value is not None


def constant(value: ir.Value | None) -> Array | None:
    """The constant's array (a view of the model's own bytes, not a copy), or None when it is not constant."""
    if value is None or not is_constant(value):
        return None
    assert value.const_value is not None
    return value.const_value.numpy()


def scalar(value: ir.Value | None) -> float | None:
    """The value of a constant with exactly one element, or None."""
    if value is None or not is_constant(value):
        return None
    assert value.const_value is not None
    return float(value.const_value.numpy().reshape(-1)[0]) if value.const_value.size == 1 else None


def int_list(value: ir.Value | None) -> list[int] | None:
    """The elements of a constant of integers (axes, pads, a target shape), or None."""
    array = constant(value)
    return None if array is None else [int(element) for element in array.reshape(-1)]


def input_of(node: ir.Node, index: int) -> ir.Value | None:
    """Input `index`, or None when the node leaves it out."""
    return node.inputs[index] if index < len(node.inputs) else None


def dims(value: ir.Value | None) -> tuple[int, ...] | None:
    """The static shape, or None when a dimension is unknown."""
    if value is None or value.shape is None or not value.shape.is_static():
        return None
    return value.shape.numpy()


def is_float(value: ir.Value | None) -> bool:
    """Whether the value is known to hold floating point numbers."""
    return value is not None and value.dtype is not None and value.dtype.is_floating_point()


def only_user(value: ir.Value) -> ir.Node | None:
    """The one node that reads this value, once, in its own graph; None when anyone else may see the value."""
    uses = value.uses()
    if len(uses) != 1 or value.is_graph_output():
        return None
    (use,) = uses
    producer = value.producer()
    return use.node if producer is None or use.node.graph is producer.graph else None


def is_private(nodes: Iterable[ir.Node], last: ir.Node) -> bool:
    """Whether nothing outside the group `nodes` (which `last` ends) sees any value made inside it."""
    group = {*nodes, last}
    return all(
        not output.is_graph_output() and all(user in group for user in output.consumers())
        for node in group
        if node is not last
        for output in node.outputs
    )


def unique_name(graph: ir.Graph, base: str) -> str:
    """`base`, or `base_1`, `base_2`, ... when the graph already has a value of that name."""
    taken = {value.name for value in graph.inputs} | set(graph.initializers)
    taken.update(output.name for node in graph.all_nodes() for output in node.outputs)
    name, count = base, 0
    while name in taken:
        count += 1
        name = f"{base}_{count}"
    return name


def add_constant(graph: ir.Graph, name: str, array: Array) -> ir.Value:
    """A new initializer holding `array`, under `name` or the nearest free one."""
    name = unique_name(graph, name)
    tensor = ir.tensor(array, name=name)
    value = ir.Value(name=name, type=ir.TensorType(tensor.dtype), shape=ir.Shape(array.shape), const_value=tensor)
    graph.register_initializer(value)
    return value


def set_constant(node: ir.Node, index: int, array: Array, name: str) -> None:
    """Make input `index` of the node this array: in place when the old initializer is this input's alone, else a new
    initializer called `name` (or the nearest free name)."""
    graph, old = node.graph, input_of(node, index)
    assert graph is not None
    if old is not None and is_constant(old) and len(old.uses()) == 1 and not old.is_graph_output():
        old.const_value = tensor = ir.tensor(array, name=old.name)
        old.shape, old.type = ir.Shape(array.shape), ir.TensorType(tensor.dtype)
        return
    if index >= len(node.inputs):
        node.resize_inputs(index + 1)
    node.replace_input_with(index, add_constant(graph, name, array))


def redirect(old: ir.Value, new: ir.Value) -> bool:
    """Let everything that reads `old` read `new`, and let `new` take over `old`'s place and name among the graph's
    outputs. False, with nothing done, when that place cannot be taken: `new` is itself an input, output or constant of
    the graph, whose name must stay."""
    graph = old.graph
    if old.is_graph_output():
        if graph is None or new.producer() is None or new.is_graph_output():
            return False
        name, old.name = old.name, None
        new.name = name
    old.replace_all_uses_with(new, replace_graph_outputs=True)
    return True


def erase(node: ir.Node) -> None:
    """Remove a node whose outputs nobody reads."""
    assert node.graph is not None
    node.graph.remove(node, safe=True)


def bypass(node: ir.Node) -> bool:
    """Remove a node whose first output equals its first input. False when the graph's interface forbids it."""
    source = node.inputs[0]
    if source is None or not redirect(node.outputs[0], source):
        return False
    erase(node)
    return True


def insert(
    before: ir.Node,
    op_type: str,
    inputs: Sequence[ir.Value | None],
    attributes: Mapping[str, ir.Attr] | Sequence[ir.Attr] = (),
    *,
    like: ir.Value | None = None,
    shape: Sequence[int] | None = None,
    name: str | None = None,
) -> ir.Value:
    """A new standard operator placed before a node. Its one output has `like`'s dtype and `shape`, or `like`'s
    shape."""
    node = ir.Node("", op_type, inputs, attributes, name=name)
    output = node.outputs[0]
    if like is not None:
        output.type = None if like.dtype is None else ir.TensorType(like.dtype)
        output.shape = ir.Shape(shape) if shape is not None else None if like.shape is None else like.shape.copy()
    assert before.graph is not None
    before.graph.insert_before(before, node)
    return output


def replace(
    node: ir.Node,
    op_type: str,
    inputs: Sequence[ir.Value | None],
    attributes: Mapping[str, ir.Attr] | Sequence[ir.Attr] = (),
) -> ir.Node:
    """Put another standard operator in a node's place, with its name and its output's name, dtype and shape. Nodes
    that only the old one read stay behind, unused, for `slim.prune.remove_unused`."""
    old = node.outputs[0]
    output = insert(node, op_type, inputs, attributes, like=old, name=node.name)
    name, old.name = old.name, None
    output.name = name
    old.replace_all_uses_with(output, replace_graph_outputs=True)
    erase(node)
    new = output.producer()
    assert new is not None
    return new
