"""Give limits one form: Clip with scalar constants as inputs, or Relu.

1. Max with a scalar constant is Clip from it; Min with one is Clip up to it. The constant must not broaden the shape.
2. A Clip from 0 without an upper limit is Relu (so relu6 stays `Clip(x, 0, 6)`, and what exporters wrote as Max is
   Relu).
3. Clip or Relu of Clip or Relu is one of them: clip(clip(x, a, b), c, d) = clip(x, clip(a, c, d), clip(b, c, d)).
4. Limits that a Clip of opset 6 has as attributes become inputs.

Only floating point values are treated: for integers the limits' types matter.
"""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from slim.prune import PassReport
from slim.prune.edit import add_constant, dims, input_of, is_float, is_op, nodes_of, replace, scalar, where

Limits = tuple[float, float]


def merge_clips(model: ir.Model) -> PassReport:
    """Apply the rules above to the model, in place."""
    notes = []
    for node in nodes_of(model.graph, "Clip", "Relu", "Min", "Max"):
        found = _read(node)
        if found is None:
            continue
        source, limits = found
        inner = source.producer()
        outer_place = where(node)
        before = _read(inner) if inner is not None and is_op(inner, "Clip", "Relu") else None
        if before is not None and inner is not None and inner.graph is node.graph:
            source, limits = before[0], _compose(before[1], limits)
            _write(node, source, limits)
            notes.append(f"{outer_place} took in {where(inner)}")
        elif node.op_type in ("Min", "Max") or node.attributes or (node.op_type == "Clip" and limits == (0, math.inf)):
            _write(node, source, limits)
            notes.append(f"{outer_place} is a limit")
    return PassReport.of("merge-clips", notes)


def _read(node: ir.Node) -> tuple[ir.Value, Limits] | None:
    """What a node limits and to where, or None when it is not a limit by constants."""
    source = input_of(node, 0)
    if not is_float(source) or source is None:
        return None
    if node.op_type == "Relu":
        return source, (0.0, math.inf)
    if node.op_type == "Clip":
        low = _limit(node, 1, "min", -math.inf)
        high = _limit(node, 2, "max", math.inf)
        return None if low is None or high is None or low > high else (source, (low, high))
    if len(node.inputs) != 2:
        return None
    for value, other in (node.inputs, node.inputs[::-1]):
        number = scalar(other)
        if value is not None and number is not None and dims(value) is not None:
            if dims(value) != dims(node.outputs[0]):
                return None
            return value, (-math.inf, number) if node.op_type == "Min" else (number, math.inf)
    return None


def _limit(node: ir.Node, index: int, name: str, default: float) -> float | None:
    """A Clip's limit: a constant input, an attribute of old, or the default; None when it is computed."""
    value = input_of(node, index)
    if value is not None:
        number = scalar(value)
        return None if number is None or math.isnan(number) else number
    return node.attributes.get_float(name, default)


def _compose(inner: Limits, outer: Limits) -> Limits:
    """Rule 3."""
    low, high = outer
    return min(max(inner[0], low), high), min(max(inner[1], low), high)


def _write(node: ir.Node, source: ir.Value, limits: Limits) -> None:
    """Put the plainest operator with these limits in the node's place."""
    if limits == (0, math.inf):
        replace(node, "Relu", [source])
        return
    assert node.graph is not None
    assert source.dtype is not None
    dtype, base = source.dtype.numpy(), node.outputs[0].name
    inputs: list[ir.Value | None] = [source]
    for suffix, number in (("min", limits[0]), ("max", limits[1])):
        constant = None
        if math.isfinite(number):
            constant = add_constant(node.graph, f"{base}.{suffix}", np.array(number, dtype))
        inputs.append(constant)
    while inputs[-1] is None:
        inputs.pop()
    replace(node, "Clip", inputs)
