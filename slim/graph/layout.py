"""Merge chains of nodes that only rearrange or retype a tensor.

1. Transpose of a Transpose becomes one Transpose (and `no_ops` removes it when the two cancel).
2. Transpose that moves only axes of size 1 leaves memory as it is: it becomes a Reshape.
3. Reshape, Flatten, Squeeze or Unsqueeze of such a node becomes one Reshape from the first one's input. Where input and
   output agree in their first dimension (the batch) it is written as 0, "as in the input", so that the batch may
   change.
4. Cast of a Cast becomes one Cast when the first can lose nothing (widening).

The first node stays for its other readers, if it has any.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from slim.graph.no_ops import keeps_order, permutation
from slim.prune import PassReport
from slim.prune.edit import Array, add_constant, dims, is_op, nodes_of, replace, where

RESHAPES = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")

WIDENS = {
    (ir.DataType.FLOAT16, ir.DataType.FLOAT),
    (ir.DataType.BFLOAT16, ir.DataType.FLOAT),
    (ir.DataType.FLOAT, ir.DataType.DOUBLE),
    (ir.DataType.UINT8, ir.DataType.INT32),
    (ir.DataType.INT8, ir.DataType.INT32),
    (ir.DataType.UINT8, ir.DataType.INT64),
    (ir.DataType.INT8, ir.DataType.INT64),
    (ir.DataType.INT32, ir.DataType.INT64),
    (ir.DataType.INT32, ir.DataType.DOUBLE),
    (ir.DataType.BOOL, ir.DataType.INT32),
    (ir.DataType.BOOL, ir.DataType.INT64),
    (ir.DataType.BOOL, ir.DataType.FLOAT),
}
"""Casts that keep every value: (from, to)."""


def merge_layout(model: ir.Model) -> PassReport:
    """Apply the rules above to the model, in place."""
    notes = []
    for node in nodes_of(model.graph, "Transpose", "Cast", *RESHAPES):
        place, source = where(node), node.inputs[0]
        before = source.producer() if source is not None else None
        if _thin_transpose(node):
            notes.append(f"{place} only moved axes of size 1: it is a reshape")
        elif before is not None and before.graph is node.graph and _merge(before, node):
            notes.append(f"{place} took in {where(before)}")
    return PassReport.of("merge-layout", notes)


def _thin_transpose(node: ir.Node) -> bool:
    """Rule 2, where rule 1 has nothing left to do: next to another Transpose, one Transpose of both is better."""
    source, shape = node.inputs[0], dims(node.inputs[0])
    if source is None or is_op(source.producer(), "Transpose"):
        return False
    if any(is_op(user, "Transpose") for user in node.outputs[0].consumers()):
        return False
    if node.op_type != "Transpose" or shape is None or 0 in shape or not keeps_order(shape, permutation(node)):
        return False
    return _to_reshape(node, source)


def _merge(first: ir.Node, second: ir.Node) -> bool:
    """Rules 1, 3 and 4."""
    source = first.inputs[0]
    if source is None:
        return False
    if is_op(first, "Transpose") and second.op_type == "Transpose":
        inner, outer = permutation(first), permutation(second)
        perm = ir.AttrInt64s("perm", [inner[axis] for axis in outer])
        replace(second, "Transpose", [source], [perm])
        return True
    if is_op(first, "Cast") and second.op_type == "Cast":
        if (source.dtype, first.outputs[0].dtype) not in WIDENS:
            return False
        second.replace_input_with(0, source)
        return True
    return is_op(first, *RESHAPES) and second.op_type in RESHAPES and _to_reshape(second, source)


def _to_reshape(node: ir.Node, source: ir.Value | None) -> bool:
    """Put a Reshape of `source` to the node's output shape in the node's place."""
    before, after = dims(source), dims(node.outputs[0])
    if source is None or before is None or after is None or 0 in before:
        return False
    assert node.graph is not None
    target = add_constant(node.graph, f"{node.outputs[0].name}.shape", _target(before, after))
    replace(node, "Reshape", [source, target])
    return True


def _target(before: tuple[int, ...], after: tuple[int, ...]) -> Array:
    keep_batch = before[:1] == after[:1] and len(after) > 1
    return np.array([0, *after[1:]] if keep_batch else after, np.int64)
