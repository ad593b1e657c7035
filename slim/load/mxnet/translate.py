"""Walk an MXNet symbol from its inputs to its heads and build the ONNX graph, with static shapes all the way.

Only nodes that a head needs are translated; the labels of loss heads are dropped. Every problem is collected: unknown
operators, missing and mismatched params, missing input shapes, attributes without a translation.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

import onnx_ir as ir

from slim.errors import LoadError, Problem
from slim.load.limits import MAX_ELEMENTS
from slim.load.mxnet.attributes import Attributes, UntranslatableError
from slim.load.mxnet.builder import Builder, Weights
from slim.load.mxnet.node import NodeView, dims
from slim.load.mxnet.slots import LABELLED, required_slots
from slim.load.mxnet.symbol import VARIABLE, Entry, Symbol, SymbolNode
from slim.load.mxnet.table import TRANSLATIONS

__all__ = ["Weights", "translate"]


def translate(symbol: Symbol, weights: Weights | None, shapes: Mapping[str, tuple[int, ...]], where: str) -> ir.Model:
    """The symbol as a model at opset 21. `weights` None: parameters read as zeros of the shapes that the data implies.

    Raises `LoadError` with every problem."""
    live = _live(symbol)
    builder = Builder(weights)
    problems = _unknown_operators(symbol, live, where)
    slots = {
        entry[0]
        for index in live
        for entry in symbol.nodes[index].inputs[1 : 1 + len(required_slots(symbol.nodes[index]))]
        if symbol.nodes[entry[0]].op == VARIABLE
    }
    problems += _declare(symbol, live, slots, builder, shapes, where)
    values: dict[Entry, ir.Value] = {}
    for index in live:
        node = symbol.nodes[index]
        if node.op == VARIABLE:
            if node.name in builder.values:
                values[index, 0] = builder.values[node.name]
            continue
        translation = TRANSLATIONS.get(node.op)
        needed = [entry for entry in _operands(node) if entry[0] not in slots]
        if translation is None or not all(entry in values for entry in needed):
            continue
        place = f"{where}: node '{node.name}' ({node.op})"
        variables = tuple(symbol.nodes[entry[0]].name if entry[0] in slots else None for entry in node.inputs)
        try:
            result = translation(NodeView(builder, node, variables, tuple(values.get(e) for e in node.inputs)))
        except UntranslatableError as reason:
            problems.append(Problem(str(reason), place, "change the network or the files"))
            continue
        values |= {(index, output): value for output, value in enumerate(result)}
    outputs = _outputs(symbol, values, builder)
    if not problems and len(outputs) != len(symbol.heads):
        problems.append(Problem("a head is an output that inference does not compute", where, "change the network"))
    if problems:
        raise LoadError(problems)
    return builder.model(outputs)


def _operands(node: SymbolNode) -> tuple[Entry, ...]:
    return node.inputs[:1] if node.op in LABELLED else node.inputs


def _live(symbol: Symbol) -> list[int]:
    """The nodes that the heads need, inputs first. Variables come first: implicit ones stand last in the list."""
    needed: set[int] = set()
    stack = [index for index, _ in symbol.heads]
    while stack:
        index = stack.pop()
        if index not in needed:
            needed.add(index)
            stack += [entry[0] for entry in _operands(symbol.nodes[index])]
    return sorted(needed, key=lambda index: (symbol.nodes[index].op != VARIABLE, index))


def _unknown_operators(symbol: Symbol, live: list[int], where: str) -> list[Problem]:
    found: dict[str, list[str]] = defaultdict(list)
    for index in live:
        node = symbol.nodes[index]
        if node.op != VARIABLE and node.op not in TRANSLATIONS:
            found[node.op].append(node.name)
    return [
        Problem(
            f"operator {op} is not known ({len(names)} node{'s' if len(names) > 1 else ''}: "
            + ", ".join(f"'{name}'" for name in names[:5])
            + (", ...)" if len(names) > 5 else ")"),
            where,
            "export the network without it",
        )
        for op, names in found.items()
    ]


def _declare(
    symbol: Symbol,
    live: list[int],
    slots: set[int],
    builder: Builder,
    shapes: Mapping[str, tuple[int, ...]],
    where: str,
) -> list[Problem]:
    """Make a graph input or an initializer of every live variable outside the parameter slots."""
    problems: list[Problem] = []
    declared: set[str] = set()
    weights = builder.weights
    for index in live:
        node = symbol.nodes[index]
        if node.op != VARIABLE:
            continue
        if index in slots:
            if weights is not None and node.name not in weights.arrays:
                problems.append(Problem(f"parameter '{node.name}' is missing", weights.where, "is it the right file?"))
            continue
        if weights is not None and node.name in weights.arrays:
            builder.stored(node.name)
            continue
        shape = shapes.get(node.name) or _declared_shape(node)
        declared.add(node.name)
        if shape is None:
            option = f"give --shape {node.name}=1,3,224,224"
            problems.append(Problem("its shape is open", f"{where}: input '{node.name}'", option))
        elif weights is None and node.name not in shapes and "__lr_mult__" in node.attributes:
            builder.absent(node.name, shape)
        else:
            builder.input(node.name, shape)
    names = ", ".join(sorted(declared))
    return problems + [
        Problem(f"there is no input '{name}'", where, f"the inputs are {names}")
        for name in shapes
        if name not in declared
    ]


def _declared_shape(node: SymbolNode) -> tuple[int, ...] | None:
    """The shape that the symbol file itself gives the variable, when all of it is known and a tensor can have it."""
    try:
        shape = Attributes(node.attributes).integers("__shape__", ())
    except UntranslatableError:
        return None
    return shape if shape and all(dim > 0 for dim in shape) and math.prod(shape) <= MAX_ELEMENTS else None


def _outputs(symbol: Symbol, values: Mapping[Entry, ir.Value], builder: Builder) -> list[ir.Value]:
    """The heads as graph outputs, named `NODE_output` as MXNet names them (`NODE_outputK` for one of several)."""
    outputs: list[ir.Value] = []
    for index, output in symbol.heads:
        value = values.get((index, output))
        if value is None:
            continue
        several = (index, 1) in values
        name = f"{symbol.nodes[index].name}_output{output if several else ''}"
        if value.producer() is None or value in outputs:
            value = builder.op("Identity", [value], {}, [dims(value)], name)[0]
        builder.rename(value, name)
        outputs.append(value)
    return outputs
