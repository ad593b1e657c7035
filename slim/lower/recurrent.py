"""LSTM: each direction is one operator of the core, with gates in ONNX's order; two directions are joined by concat."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from slim.core.format import Type
from slim.lower import panels
from slim.lower.context import Lowering
from slim.lower.rules import refuse, rule

_DIRECTIONS = {"forward": (0,), "reverse": (1,), "bidirectional": (0, 1)}
_ACTIVATIONS = ("sigmoid", "tanh", "tanh")


@rule("LSTM")
def lower_lstm(low: Lowering, node: ir.Node) -> None:
    """X (T, N, I), W (D, 4H, I), R (D, 4H, H), B (D, 8H), -, initial h and c (D, N, H) -> Y (T, D, N, H), h, c."""
    given: list[ir.Value | None] = [*node.inputs, *[None] * (8 - len(node.inputs))]
    x, w, r, b, lengths, h, c, peepholes = given
    assert x is not None
    directions = _DIRECTIONS[node.attributes.get_string("direction", "forward") or "forward"]
    weights, recurrent, bias = low.constant(w), low.constant(r), low.constant(b)
    if weights is None or recurrent is None or (b is not None and bias is None):
        raise refuse(node, "has weights that are computed at run time", "the core takes constant weights")
    _check(low, node, lengths, peepholes, len(directions))
    hidden = recurrent.shape[2]
    if bias is None:
        bias = np.zeros((len(directions), 8 * hidden), np.float32)
    results: list[tuple[int, ...]] = []
    for i, direction in enumerate(directions):
        states = [None if s is None else _direction_of(low, s, i, len(directions), node.name or "") for s in (h, c)]
        operands = [
            low.get(x),
            low.place_constant(panels.gemm_f32(weights[i])),
            low.place_constant(panels.gemm_f32(recurrent[i])),
            low.place_constant(panels.vector(bias[i, : 4 * hidden] + bias[i, 4 * hidden :])),
            *states,
        ]
        attributes = {"hidden": hidden, "direction": direction}
        results.append(
            low.builder.operator_n("lstm_f32", operands, (Type.F32,) * 3, attributes, names=(node.name or "",))
        )
    for value, parts, axis in zip(node.outputs, zip(*results, strict=True), (1, 0, 0), strict=False):
        if not value.uses() and not value.is_graph_output():
            continue
        joined = parts[0]
        if len(parts) > 1:
            joined = low.builder.operator("concat", list(parts), Type.F32, {"axis": axis}, name=node.name or "")
        low.put(value, joined)


def _check(low: Lowering, node: ir.Node, lengths: ir.Value | None, peepholes: ir.Value | None, directions: int) -> None:
    """Refuse the variants that the core does not run."""
    names = [str(name).lower() for name in node.attributes.get_strings("activations", []) or []]
    if names and tuple(names) != _ACTIVATIONS * directions:
        raise refuse(node, f"has the activations {', '.join(names)}", "the core takes sigmoid, tanh, tanh")
    if peepholes is not None:
        raise refuse(node, "has peepholes")
    for name in ("clip", "input_forget", "layout"):
        if name in node.attributes and node.attributes[name].value:
            raise refuse(node, f"has the attribute {name!r}")
    assert node.inputs[0] is not None
    given = low.constant(lengths)
    if lengths is not None and (given is None or (given != low.shape(node.inputs[0])[0]).any()):
        raise refuse(node, "has sequences of different lengths")


def _direction_of(low: Lowering, state: ir.Value, index: int, directions: int, name: str) -> int:
    """One direction's initial state (1, N, H)."""
    tensor = low.get(state)
    if directions == 1:
        return tensor
    return low.like("slice", tensor, {"axis": 0, "start": index, "end": index + 1, "step": 1}, name)
