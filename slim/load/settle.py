"""The last step of loading: open shapes filled once more after conversion, and reported when they stay open."""

from __future__ import annotations

import math

import onnx_ir as ir

from slim.errors import LoadError, Problem
from slim.load.limits import MAX_ELEMENTS
from slim.load.opset import open_nodes
from slim.load.shapes import infer_shapes, is_known, static_dims


def settle_shapes(model: ir.Model, where: str) -> None:
    """Make every value of the main graph known; in place. Raises `LoadError` with each node whose shape stays open, or
    whose output no device could hold."""
    if open_nodes(model):
        infer_shapes(model, where)
    still_open = open_nodes(model)
    problems = [
        Problem(
            "the shape of its output depends on data or cannot be inferred",
            _place(node, where),
            "slim needs static shapes; export the network with fixed ones",
        )
        for node in still_open
        if all(value is None or is_known(value) for value in node.inputs)
    ]
    if still_open and not problems:
        problems = [Problem(f"{len(still_open)} shapes stay open", where, "export the network with fixed ones")]
    for node in model.graph:
        for value in node.outputs:
            dims = static_dims(value) or ()
            if any(dim < 0 for dim in dims) or math.prod(dims) > MAX_ELEMENTS:
                problems.append(Problem(f"its output has the impossible shape {dims}", _place(node, where)))
    if problems:
        raise LoadError(problems)


def _place(node: ir.Node, where: str) -> str:
    return f"{where}: node '{node.name}' ({node.op_type})"
