"""MXNet symbol JSON, versions 0.7 to 1.9, as plain nodes: operator, name, attributes as text, inputs as indices.

Format (apache/mxnet, src/nnvm/legacy_json_util.cc): `nodes` in topological order; a node's attributes are in `param`
(to 0.8), `attr` (0.9 to 0.11) or `attrs` (since), and user attributes may share the node under another of these names;
inputs are `[node, output]` or `[node, output, version]`; `heads` are the outputs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slim.errors import LoadError, Problem
from slim.load.foreign import foreign

Entry = tuple[int, int]
"""A node's index and which of its outputs."""

VARIABLE = "null"


@dataclass(frozen=True)
class SymbolNode:
    """One node. `attributes` holds the operator's own parameters and, on variables, MXNet's `__shape__` and so on."""

    op: str
    name: str
    attributes: dict[str, str]
    inputs: tuple[Entry, ...]


@dataclass(frozen=True)
class Symbol:
    """A network: nodes in topological order, and the entries that are its outputs."""

    nodes: tuple[SymbolNode, ...]
    heads: tuple[Entry, ...]


def read_symbol(path: Path) -> Symbol:
    """The symbol file at `path`. Raises `LoadError` with every malformed node."""
    where = str(path)
    with foreign(where, "cannot be read as JSON", "is it a complete MXNet symbol file?"):
        content = json.loads(path.read_bytes())
    if not isinstance(content, dict) or not isinstance(content.get("nodes"), list) or not content["nodes"]:
        raise LoadError(Problem("is not an MXNet symbol: it has no nodes", where, "give a -symbol.json file"))
    problems: list[Problem] = []
    nodes = []
    for index, raw in enumerate(content["nodes"]):
        try:
            nodes.append(_node(raw, index))
        except ValueError as error:
            nodes.append(SymbolNode(VARIABLE, "", {}, ()))
            problems.append(Problem(str(error), f"{where}: node {index}", "the file is damaged"))
    try:
        heads = tuple(_entry(raw, len(nodes)) for raw in _items(content.get("heads", [[len(nodes) - 1, 0]])))
    except ValueError as error:
        heads = ()
        problems.append(Problem(str(error), f"{where}: heads", "the file is damaged"))
    if not heads and not problems:
        problems.append(Problem("it has no heads (outputs)", where, "the file is damaged"))
    if problems:
        raise LoadError(problems)
    return Symbol(_with_implicit_variables(nodes), heads)


def _items(raw: Any) -> list[Any]:
    if not isinstance(raw, list):
        raise ValueError("a list was expected")
    return raw


def _node(raw: Any, index: int) -> SymbolNode:
    if not isinstance(raw, dict) or not isinstance(raw.get("op"), str) or not isinstance(raw.get("name"), str):
        raise ValueError("it has no op and name")
    attributes: dict[str, str] = {}
    for key in ("attrs", "attr", "param"):  # an operator's own parameters win over the user's notes
        part = raw.get(key, {})
        if not isinstance(part, dict) or not all(isinstance(value, str) for value in part.values()):
            raise ValueError(f"its '{key}' is not an object of strings")
        attributes |= part
    return SymbolNode(
        raw["op"], raw["name"], attributes, tuple(_entry(x, index) for x in _items(raw.get("inputs", [])))
    )


def _entry(raw: Any, before: int) -> Entry:
    """An input or head; `before` is the first index it may not name, which also rules out cycles."""
    numbers = raw if isinstance(raw, list) and all(type(number) is int for number in raw) else []
    if len(numbers) not in (2, 3) or not 0 <= numbers[0] < before or not 0 <= numbers[1] < 1000:
        raise ValueError(f"the entry {str(raw)[:60]} does not name an earlier node's output")
    return numbers[0], numbers[1]


def _with_implicit_variables(nodes: list[SymbolNode]) -> tuple[SymbolNode, ...]:
    """Append the variables that files before 0.9 leave out: a batch norm's moving mean and variance, and so on.

    MXNet names them `NODE_ROLE` when it upgrades such a file (legacy_json_util.cc, UpgradeJSON_000800_000900). They go
    to the end of the list, which is why only `inputs` of nodes in the file itself are checked for order."""
    from slim.load.mxnet.slots import required_slots

    complete = list(nodes)
    for index, node in enumerate(nodes):
        roles = required_slots(node)
        if node.inputs and len(node.inputs) < 1 + len(roles):
            missing = roles[len(node.inputs) - 1 :]
            added = tuple((len(complete) + offset, 0) for offset in range(len(missing)))
            complete += [SymbolNode(VARIABLE, f"{node.name}_{role}", {}, ()) for role in missing]
            complete[index] = SymbolNode(node.op, node.name, node.attributes, node.inputs + added)
    return tuple(complete)
