"""Recognise global pooling.

1. ReduceMean of a floating point (N, C, H, W) over H and W is GlobalAveragePool; without `keepdims`, followed by
   Flatten. Where a QuantizeLinear with one scale reads that, the Flatten goes behind it, so that pool and quantizer
   stay together.
2. ReduceMax so is GlobalMaxPool.
"""

from __future__ import annotations

import onnx_ir as ir

from slim.prune import PassReport
from slim.prune.edit import (
    dims,
    erase,
    input_of,
    insert,
    int_list,
    is_float,
    is_op,
    nodes_of,
    only_user,
    replace,
    where,
)

POOLS = {"ReduceMean": "GlobalAveragePool", "ReduceMax": "GlobalMaxPool"}


def recognise_global_pool(model: ir.Model) -> PassReport:
    """Apply the rules above to the model, in place."""
    notes = []
    for node in nodes_of(model.graph, *POOLS):
        source, shape, axes = node.inputs[0], dims(node.inputs[0]), int_list(input_of(node, 1))
        if source is None or shape is None or axes is None or not is_float(source) or len(shape) != 4:
            continue
        if sorted(axis % 4 for axis in axes) != [2, 3]:
            continue
        notes.append(f"{where(node)} is a global pool")
        if node.attributes.get_int("keepdims", 1):
            replace(node, POOLS[node.op_type], [source])
        else:
            _pool_and_flatten(node, source, shape)
    return PassReport.of("recognise-global-pool", notes)


def _pool_and_flatten(node: ir.Node, source: ir.Value, shape: tuple[int, ...]) -> None:
    """Rule 1 without `keepdims`."""
    flat = ir.AttrInt64("axis", 1)
    pooled = insert(node, POOLS[node.op_type], [source], like=source, shape=(*shape[:2], 1, 1))
    reader = only_user(node.outputs[0])
    if reader is None or not is_op(reader, "QuantizeLinear") or dims(reader.inputs[1]) not in ((), (1,)):
        replace(node, "Flatten", [pooled], [flat])
        return
    inputs = [pooled, *reader.inputs[1:]]
    like = reader.outputs[0]
    quantized = insert(reader, "QuantizeLinear", inputs, reader.attributes, like=like, shape=(*shape[:2], 1, 1))
    replace(reader, "Flatten", [quantized], [flat])
    erase(node)
