"""Remove nodes that give their input back.

1. Reshape, Flatten, Squeeze, Unsqueeze, Expand, Tile and Resize whose output has the input's static shape. (Resize
   of the `tf_crop_and_resize` kind reads a region of interest and stays.)
2. Transpose whose permutation is the identity, or moves only axes of size 1 past others to the same shape.
3. Cast to the dtype that the input already has.
4. Slice with constant steps of 1 whose output has the input's shape; Pad by nothing.
5. Concat, Sum, Min, Max and Mean of one input; Split into one output.
6. Adding or subtracting 0, multiplying or dividing by 1, raising to the power 1, where the constant does not broaden
   the shape or the dtype. (-0.0 + 0 is +0.0: equal, though not the same bits.)
7. A Clip without bounds.
"""

from __future__ import annotations

import onnx_ir as ir

from slim.prune import PassReport
from slim.prune.edit import constant, dims, erase, input_of, int_list, nodes_of, redirect, where

NEUTRAL = {"Add": 0, "Sub": 0, "Mul": 1, "Div": 1, "Pow": 1}
"""The constant with which each operator changes nothing (on the right-hand side)."""

SAME_SHAPE = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile", "Resize")
SINGLE = ("Concat", "Sum", "Min", "Max", "Mean")


def remove_no_ops(model: ir.Model) -> PassReport:
    """Apply the rules above to the model, in place."""
    notes = []
    candidates = (*SAME_SHAPE, *SINGLE, *NEUTRAL, "Transpose", "Cast", "Slice", "Pad", "Split", "Clip")
    for node in nodes_of(model.graph, *candidates):
        kept = _kept(node)
        place = where(node)
        if kept is not None and redirect(node.outputs[0], kept):
            erase(node)
            notes.append(f"{place} changed nothing")
    return PassReport.of("remove-no-ops", notes)


def _kept(node: ir.Node) -> ir.Value | None:
    """The input that the node gives back, or None when it does something."""
    if node.op_type in ("Add", "Mul"):
        for value, other in (node.inputs, node.inputs[::-1]):
            if _is_neutral(node, value, other):
                return value
        return None
    value = input_of(node, 0)
    return value if value is not None and _gives_back(node, value) else None


def _gives_back(node: ir.Node, value: ir.Value) -> bool:
    kind, same = node.op_type, dims(value) is not None and dims(value) == dims(node.outputs[0])
    if kind in SAME_SHAPE:
        return same and node.attributes.get_string("coordinate_transformation_mode", "") != "tf_crop_and_resize"
    if kind == "Transpose":
        return same and keeps_order(dims(value) or (), permutation(node))
    if kind == "Cast":
        return value.dtype is not None and value.dtype == node.attributes.get_int("to", 0)
    if kind == "Slice":
        steps = input_of(node, 4)
        return same and (steps is None or set(int_list(steps) or [0]) == {1})
    if kind == "Pad":
        pads = int_list(input_of(node, 1))
        return pads is not None and not any(pads)
    if kind in SINGLE:
        return len(node.inputs) == 1
    if kind == "Split":
        return len(node.outputs) == 1
    if kind == "Clip":
        return not any(node.inputs[1:]) and not node.attributes
    return _is_neutral(node, value, input_of(node, 1))


def _is_neutral(node: ir.Node, value: ir.Value | None, other: ir.Value | None) -> bool:
    """Rule 6, for `value` on the left and `other` on the right."""
    if value is None or other is None or other.shape is None or dims(value) is None:
        return False
    if dims(value) != dims(node.outputs[0]) or value.dtype != node.outputs[0].dtype:
        return False
    array = constant(other)
    return array is not None and array.size > 0 and bool((array == NEUTRAL[node.op_type]).all())


def permutation(node: ir.Node) -> tuple[int, ...]:
    """A Transpose's permutation; ONNX's default reverses the axes."""
    rank = len(node.inputs[0].shape or ()) if node.inputs[0] is not None else 0
    return tuple(node.attributes.get_ints("perm", ()) or range(rank - 1, -1, -1))


def keeps_order(shape: tuple[int, ...], perm: tuple[int, ...]) -> bool:
    """Whether a transposition leaves the elements in the same order in memory: the axes longer than 1 stay in order."""
    moved = [axis for axis in perm if shape[axis] != 1]
    return moved == sorted(moved)
