"""Compute and store equal things once.

1. Initializers with the same dtype, shape and bytes become one. They are compared only when dtype, shape and first
   bytes agree, so that a model's large weights are not read.
2. Nodes with the same operator, attributes and inputs become the first of them.

Quantize and dequantize nodes stay apart even when equal: readers of the format match a pair for each operator. So do
random nodes, nodes with subgraphs, and nodes both of whose outputs the graph's interface names.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import onnx_ir as ir

from slim.prune import PassReport
from slim.prune.edit import RANDOM, SUBGRAPHS, Array, constant, erase, is_constant, redirect, where

APART = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Dropout", *RANDOM}
PROBE = 64
"""Elements that two initializers must agree in before they are compared in full."""


def merge_duplicates(model: ir.Model) -> PassReport:
    """Apply the rules above to the model, in place."""
    return PassReport.of("merge-duplicates", _merge_initializers(model.graph) + _merge_nodes(model.graph))


def _merge_initializers(graph: ir.Graph) -> list[str]:
    notes: list[str] = []
    groups: dict[Hashable, list[ir.Value]] = {}
    for value in tuple(graph.initializers.values()):
        if not is_constant(value) or value.is_graph_output() or value.const_value is None:
            continue
        tensor = value.const_value
        if tensor.dtype == ir.DataType.STRING or not value.uses():
            continue
        groups.setdefault((tensor.dtype, tuple(tensor.shape)), []).append(value)
    for group in groups.values():
        if len(group) == 1:
            continue
        firsts: dict[bytes, list[ir.Value]] = {}
        for value in group:
            array = constant(value)
            assert array is not None
            assert value.name is not None
            probe = array.reshape(-1)[:PROBE].tobytes()
            seen = firsts.setdefault(probe, [])
            twin = next((other for other in seen if _same(other, array)), None)
            if twin is None:
                seen.append(value)
            else:
                value.replace_all_uses_with(twin)
                graph.initializers.pop(value.name)
                notes.append(f"constant {value.name!r} is the same as {twin.name!r}")
    return notes


def _same(value: ir.Value, array: Array) -> bool:
    """Equal bit for bit: -0.0 is not 0.0, and a NaN equals itself."""
    other = constant(value)
    assert other is not None
    bits = f"u{array.dtype.itemsize}"
    if array.dtype.itemsize not in (1, 2, 4, 8) or array.size <= PROBE:
        return other.tobytes() == array.tobytes()
    return bool(np.array_equal(np.ascontiguousarray(other).view(bits), np.ascontiguousarray(array).view(bits)))


def _merge_nodes(graph: ir.Graph) -> list[str]:
    notes: list[str] = []
    firsts: dict[Hashable, ir.Node] = {}
    for node in tuple(graph):
        key = _key(node)
        if key is None:
            continue
        first = firsts.setdefault(key, node)
        if first is node:
            continue
        place = where(node)
        pairs = list(zip(node.outputs, first.outputs, strict=True))
        if any(old.is_graph_output() and new.is_graph_output() for old, new in pairs):
            continue
        for old, new in pairs:
            redirect(old, new)
        erase(node)
        notes.append(f"{place} computes the same as {where(first)}")
    return notes


def _key(node: ir.Node) -> Hashable | None:
    """What makes two nodes the same, or None for a node that is never merged."""
    if node.op_type in APART:
        return None
    attributes = []
    for attribute in node.attributes.values():
        if attribute.type in SUBGRAPHS or attribute.is_ref():
            return None
        if attribute.type in (ir.AttributeType.TENSOR, ir.AttributeType.TENSORS):
            return None
        value = attribute.value
        attributes.append((attribute.name, tuple(value) if isinstance(value, list) else value))
    inputs = tuple(id(value) if value is not None else None for value in node.inputs)
    return node.domain, node.op_type, node.overload, inputs, len(node.outputs), tuple(sorted(attributes))
