"""Recognise GELU from its pieces (Hendrycks and Gimpel, 2016), in any order of its factors.

1. x * (1 + erf(x / sqrt(2))) * 0.5 is Gelu.
2. x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) * 0.5 is Gelu with `approximate = "tanh"`; also when the argument
   is written sqrt(2 / pi) * x * (1 + 0.044715 * x^2).

Nothing else may read a piece, other than x itself.
"""

from __future__ import annotations

import math

import onnx_ir as ir

from slim.graph.factors import near, plus, product
from slim.prune import PassReport
from slim.prune.edit import is_float, is_op, is_private, nodes_of, only_user, replace, where

CUBIC = 0.044715
Pieces = tuple[str, list[ir.Node]]


def recognise_gelu(model: ir.Model) -> PassReport:
    """Apply the rules above to the model, in place. Gelu needs opset 20; below it nothing is done."""
    notes: list[str] = []
    if model.graph.opset_imports.get("", 0) < 20 or not nodes_of(model.graph, "Erf", "Tanh"):
        return PassReport("recognise-gelu")
    for node in reversed(nodes_of(model.graph, "Mul", "Div")):
        if node.graph is not None and is_float(node.outputs[0]):
            place = where(node)
            if _rewrite(node):
                notes.append(f"{place} ends a gelu")
    return PassReport.of("recognise-gelu", notes)


def _rewrite(node: ir.Node) -> bool:
    factors = product(node.outputs[0])
    if len(factors.values) != 2 or not near(factors.scale, 0.5):
        return False
    for source, gate in (factors.values, factors.values[::-1]):
        pieces = _gate(gate, source)
        if pieces is not None and is_private([*factors.nodes, *pieces[1]], node):
            replace(node, "Gelu", [source], [ir.AttrString("approximate", pieces[0])])
            return True
    return False


def _gate(gate: ir.Value, source: ir.Value) -> Pieces | None:
    """The kind of approximation and the nodes when the value is 1 + erf(...) or 1 + tanh(...) of the source."""
    inner = plus(gate, 1)
    node = inner[0].producer() if inner is not None else None
    if inner is None or node is None or not is_op(node, "Erf", "Tanh") or node.inputs[0] is None:
        return None
    argument = product(node.inputs[0], frozenset({source}))
    nodes = [*argument.nodes, node, inner[1]]
    if node.op_type == "Erf":
        exact = argument.values == [source] and near(argument.scale, math.sqrt(0.5))
        return ("none", nodes) if exact else None
    more = _cubic(argument.values, argument.scale, source)
    return None if more is None else ("tanh", [*more, *nodes])


def _cubic(values: list[ir.Value], scale: float, source: ir.Value) -> list[ir.Node] | None:
    """The nodes of rule 2's polynomial, given the factors of tanh's argument."""
    if not near(scale, math.sqrt(2 / math.pi)):
        return None
    if len(values) == 1:  # x + c * x^3
        return _sum(values[0], source, source, 3)
    others = [value for value in values if value is not source]
    return _sum(others[0], source, None, 2) if len(values) == 2 and len(others) == 1 else None


def _sum(value: ir.Value, source: ir.Value, first: ir.Value | None, power: int) -> list[ir.Node] | None:
    """The nodes of `first + c * source^power`, where None stands for the constant 1."""
    node = value.producer()
    if node is None or not is_op(node, "Add") or only_user(value) is None:
        return None
    if first is None:
        inner = plus(value, 1)
        term = inner[0] if inner is not None else None
    else:
        left, right = node.inputs
        term = right if left is first else left if right is first else None
    if term is None:
        return None
    factors = product(term, frozenset({source}))
    return [*factors.nodes, node] if factors.values == [source] * power and near(factors.scale, CUBIC) else None
