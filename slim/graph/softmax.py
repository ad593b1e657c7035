"""Undo the detour that a Softmax takes when a model from before opset 13 is converted.

1. Softmax or LogSoftmax over the last axis, after a reshape that keeps the last axis (it merges those before it) and
   before a reshape back to the shape it came from, works on the first reshape's input directly. Nothing else may
   read the Softmax.
"""

from __future__ import annotations

import onnx_ir as ir

from slim.graph.layout import RESHAPES
from slim.prune import PassReport
from slim.prune.edit import dims, is_op, nodes_of, only_user, replace, where


def unwrap_softmax(model: ir.Model) -> PassReport:
    """Apply the rule above to the model, in place."""
    notes = []
    for node in nodes_of(model.graph, "Softmax", "LogSoftmax"):
        flat = node.inputs[0]
        before, after = flat.producer() if flat is not None else None, only_user(node.outputs[0])
        if before is None or after is None or not is_op(before, *RESHAPES) or not is_op(after, *RESHAPES):
            continue
        source, shape, flat_shape = before.inputs[0], dims(before.inputs[0]), dims(flat)
        if source is None or not shape or not flat_shape or dims(after.outputs[0]) != shape:
            continue
        last = node.attributes.get_int("axis", -1) % len(flat_shape) == len(flat_shape) - 1
        if last and shape[-1] == flat_shape[-1]:
            notes.append(f"{where(node)} no longer needs {where(before)}")
            replace(after, node.op_type, [source], [ir.AttrInt64("axis", -1)])
    return PassReport.of("unwrap-softmax", notes)
