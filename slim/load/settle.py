"""The last step of loading: shape arithmetic computed where it decides a shape, and open shapes reported."""

from __future__ import annotations

import onnx_ir as ir

from slim.errors import LoadError, Problem
from slim.load.opset import open_nodes
from slim.load.shapes import infer_shapes, is_known


def settle_shapes(model: ir.Model, where: str) -> None:
    """Make every value of the main graph known; in place. Raises `LoadError` naming each node where shapes stay open."""
    if open_nodes(model):
        infer_shapes(model, where)
    still_open = open_nodes(model)
    problems = [
        Problem(
            "the shape of its output depends on data or cannot be inferred",
            f"{where}: node '{node.name}' ({node.op_type})",
            "slim needs static shapes; export the network with fixed ones",
        )
        for node in still_open
        if all(value is None or is_known(value) for value in node.inputs)
    ]
    if still_open and not problems:
        problems = [Problem(f"{len(still_open)} shapes stay open", where)]
    if problems:
        raise LoadError(problems)
