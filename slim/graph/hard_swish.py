"""Recognise hard-sigmoid and hard-swish from their pieces (Howard et al., "Searching for MobileNetV3", 2019).

1. clip(x + 3, 0, 6) / 6 (or times 1/6) is HardSigmoid with alpha = 1/6 and beta = 1/2.
2. x * HardSigmoid(x) with those is HardSwish.
3. x * clip(x + 3, 0, 6) / 6 in any order of its factors is HardSwish.

Nothing else may read a piece, other than x itself.
"""

from __future__ import annotations

import onnx_ir as ir

from slim.graph.factors import Product, near, plus, product
from slim.prune import PassReport
from slim.prune.edit import is_float, is_op, is_private, nodes_of, replace, scalar, where


def recognise_hard_swish(model: ir.Model) -> PassReport:
    """Apply the rules above to the model, in place. HardSwish needs opset 14; below it nothing is done."""
    notes: list[str] = []
    if model.graph.opset_imports.get("", 0) < 14:
        return PassReport("recognise-hard-swish")
    for node in reversed(nodes_of(model.graph, "Mul", "Div")):
        if node.graph is not None and is_float(node.outputs[0]):
            place, found = where(node), _rewrite(node)
            if found:
                notes.append(f"{place} ends a {found}")
    return PassReport.of("recognise-hard-swish", notes)


def _rewrite(node: ir.Node) -> str | None:
    factors = product(node.outputs[0])
    if len(factors.values) == 1 and near(factors.scale, 1 / 6):  # rule 1
        pieces = _clipped(factors.values[0])
        if pieces is not None and is_private([*factors.nodes, *pieces[1]], node):
            attributes = [ir.AttrFloat32("alpha", 1 / 6), ir.AttrFloat32("beta", 0.5)]
            replace(node, "HardSigmoid", [pieces[0]], attributes)
            return "hard-sigmoid"
    if len(factors.values) == 2:
        return _hard_swish(node, factors)
    return None


def _hard_swish(node: ir.Node, factors: Product) -> str | None:
    """Rules 2 and 3."""
    for source, gate in (factors.values, factors.values[::-1]):
        pieces = _clipped(gate) if near(factors.scale, 1 / 6) else _hard_sigmoid(gate) if factors.scale == 1 else None
        if pieces is not None and pieces[0] is source and is_private([*factors.nodes, *pieces[1]], node):
            replace(node, "HardSwish", [source])
            return "hard-swish"
    return None


def _clipped(value: ir.Value) -> tuple[ir.Value, list[ir.Node]] | None:
    """`x` and the nodes when the value is clip(x + 3, 0, 6)."""
    node = value.producer()
    if node is None or not is_op(node, "Clip") or len(node.inputs) != 3:
        return None
    if scalar(node.inputs[1]) != 0 or scalar(node.inputs[2]) != 6:
        return None
    inner = plus(node.inputs[0], 3)
    return None if inner is None else (inner[0], [inner[1], node])


def _hard_sigmoid(value: ir.Value) -> tuple[ir.Value, list[ir.Node]] | None:
    """`x` and the node when the value is HardSigmoid(x) with alpha = 1/6, beta = 1/2."""
    node = value.producer()
    if node is None or not is_op(node, "HardSigmoid") or node.inputs[0] is None:
        return None
    alpha, beta = node.attributes.get_float("alpha", 0.2), node.attributes.get_float("beta", 0.5)
    return (node.inputs[0], [node]) if near(alpha, 1 / 6) and near(beta, 0.5) else None
