"""Bring a model to opset 21: only operators whose definition changed meaning are rewritten, by the rules of `adapters`.

onnx's own converter copies the whole model with its weights and refuses foreign domains; comparing operator schemas
touches the few nodes that need it. The rules that ask for a rank (Softmax before opset 13) run last, when inference at
opset 21, which follows shape arithmetic better than older ones, has had its turn.
"""

from __future__ import annotations

from collections import defaultdict

import onnx
import onnx_ir as ir

from slim.errors import LoadError, Problem
from slim.load.adapters import ADAPTERS, RANKED_ADAPTERS, Rules
from slim.load.foreign import foreign
from slim.load.shapes import infer_shapes, is_known

TARGET = 21


def to_opset_21(model: ir.Model, where: str) -> None:
    """Convert the nodes of the standard domain, in the main graph and in bodies; in place.

    Raises `LoadError` naming every node that opset 21 cannot express."""
    version = model.opset_imports.get("", TARGET)
    problems: list[Problem] = []
    newer: dict[str, list[str]] = defaultdict(list)
    nodes = [(node, _since(node.op_type, version)) for node in model.graph.all_nodes() if node.domain == ""]
    for node, since in nodes:
        if since > TARGET and not _fits_target(node):
            newer[node.op_type].append(node.name or "")
        problems += _adapt(node, since, ADAPTERS, where)
    for operator, names in newer.items():
        shown = ", ".join(repr(name) for name in names[:5])
        what = f"operator {operator} of opset {version} has no form at opset {TARGET} ({len(names)} nodes: {shown})"
        problems.append(Problem(what, where, f"export the network at opset {TARGET}"))
    if problems:
        raise LoadError(problems)
    _stamp(model)
    if open_nodes(model):
        infer_shapes(model, where)
    for node, since in nodes:
        problems += _adapt(node, since, RANKED_ADAPTERS, where)
    if problems:
        raise LoadError(problems)


def open_nodes(model: ir.Model) -> list[ir.Node]:
    """The nodes of the main graph with an output that is used and whose shape or dtype is not known."""
    outputs = set(model.graph.outputs)
    return [
        node
        for node in model.graph
        if not all(is_known(value) for value in node.outputs if value.uses() or value in outputs)
    ]


def _adapt(node: ir.Node, since: int, rules: Rules, where: str) -> list[Problem]:
    op_type = node.op_type  # rules of the operator as it was: one may rename it
    place = f"{where}: node '{node.name}' ({op_type})"
    for operator, changed, rule in rules:
        if operator == op_type and since < changed <= TARGET:
            try:
                with foreign(place, "cannot be converted to opset 21", "export the network at opset 13 or later"):
                    rule(node)
            except LoadError as error:
                return list(error.problems)
    return []


def _stamp(model: ir.Model) -> None:
    """Record the new opset, and forget domains that no node uses."""
    domains = {node.domain for node in model.graph.all_nodes()} | {""}
    for domain in list(model.opset_imports):
        if domain not in domains:
            del model.opset_imports[domain]
    model.opset_imports[""] = TARGET
    model.graph.opset_imports[""] = TARGET
    model.ir_version = 10


def _since(operator: str, version: int) -> int:
    """The opset in which the operator got the definition that is in force at `version`; 0 when there is none."""
    if not onnx.defs.has(operator, max_inclusive_version=version):
        return 0
    return int(onnx.defs.get_schema(operator, version).since_version)


def _fits_target(node: ir.Node) -> bool:
    """True when a node of a newer opset uses nothing that opset 21's definition of its operator lacks."""
    if not _since(node.op_type, TARGET):
        return False
    schema = onnx.defs.get_schema(node.op_type, TARGET)
    return (
        not schema.deprecated
        and set(node.attributes) <= set(schema.attributes)
        and len(node.inputs) <= schema.max_input
        and len(node.outputs) <= schema.max_output
    )
