"""A graph's wiring: every name that is read is written somewhere, once."""

from __future__ import annotations

import onnx_ir as ir

from slim.errors import Problem


def structure_problems(model: ir.Model, where: str) -> list[Problem]:
    """Values read but never written, and written twice; for the main graph and the bodies inside it."""
    problems = _unreadable(model, where)
    if problems:
        return problems
    written: set[str] = set()
    for value in [*model.graph.inputs, *model.graph.initializers.values()]:
        written.add(value.name or "")
    given = set(model.graph.inputs) | set(model.graph.initializers.values())
    for node in model.graph:
        for value in node.outputs:
            if value.name and value.name in written:
                problems.append(Problem(f"value '{value.name}' is written twice", _place(node, where), "damaged file?"))
            written.add(value.name or "")
            given.add(value)
    for node in model.graph:
        for index, operand in enumerate(node.inputs):
            if operand is not None and operand not in given:
                what = f"input {index}, '{operand.name}', is written by no node"
                problems.append(Problem(what, _place(node, where), "damaged file?"))
    for value in model.graph.outputs:
        if value not in given:
            problems.append(Problem("is written by no node", f"{where}: output '{value.name}'", "damaged file?"))
    if not model.graph.outputs:
        problems.append(Problem("has no outputs", where, "is it an ONNX model?"))
    return problems


def _unreadable(model: ir.Model, where: str) -> list[Problem]:
    """Names that are not text (protobuf hands damaged ones over as bytes) and attributes without a type."""
    texts: list[object] = [value.name for value in (*model.graph.inputs, *model.graph.outputs)]
    texts += model.graph.initializers
    texts += [*model.opset_imports, *model.metadata_props, *model.metadata_props.values()]
    problems = []
    for node in model.graph.all_nodes():
        texts += [node.name, node.domain, node.op_type, *node.attributes]
        texts += [value.name for value in (*node.inputs, *node.outputs) if value is not None]
        for attribute in node.attributes.values():
            if attribute.type == ir.AttributeType.UNDEFINED or attribute.is_ref():
                problems.append(Problem(f"its attribute '{attribute.name}' has no value", _place(node, where)))
    unreadable = [text for text in texts if text is not None and not isinstance(text, str)]
    problems += [Problem(f"the name {text!r} is not text", where, "the file is damaged") for text in unreadable]
    return problems


def _place(node: ir.Node, where: str) -> str:
    return f"{where}: node '{node.name}' ({node.op_type})"
