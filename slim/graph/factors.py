"""Reading a product of several nodes as one list of factors, so that a pattern does not depend on an exporter's order.

`x * 0.5 * (1 + erf(...))` reaches ONNX as any of `(x * 0.5) * s`, `x * (0.5 * s)`, `(x * s) * 0.5`, `(x * s) / 2`.
Read as factors, each of them is {x, s} times 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import onnx_ir as ir

from slim.prune.edit import input_of, is_op, only_user, scalar


@dataclass
class Product:
    """`scale` times each of `values` (a value that is squared occurs twice), made by `nodes`, of which the last is the
    one that the product was read from."""

    scale: float = 1.0
    values: list[ir.Value] = field(default_factory=list)
    nodes: list[ir.Node] = field(default_factory=list)


def product(value: ir.Value, is_leaf: frozenset[ir.Value] = frozenset()) -> Product:
    """The factors of `value`: through Mul, Div by a scalar, Neg, and Pow to 2 or 3. Stops at values in `is_leaf`
    and, below the first node, at values that anything else reads too. An arbitrary value is the product of itself."""
    result = Product()
    _collect(value, result, is_leaf, 1, first=True)
    result.nodes.reverse()
    return result


def _collect(value: ir.Value, result: Product, leaves: frozenset[ir.Value], power: int, first: bool = False) -> None:
    node, number = value.producer(), scalar(value)
    if number is not None:
        result.scale *= number**power
        return
    if value in leaves or node is None or not (first or only_user(value) is not None or _squares(value)):
        result.values += [value] * power
        return
    left, right = input_of(node, 0), input_of(node, 1)
    if is_op(node, "Mul") and left is not None and right is not None:
        result.nodes.append(node)
        if left is right:
            _collect(left, result, leaves, power * 2)
            return
        _collect(left, result, leaves, power)
        _collect(right, result, leaves, power)
        return
    divisor, exponent = scalar(right), scalar(right)
    if is_op(node, "Div") and left is not None and divisor:
        result.nodes.append(node)
        result.scale /= divisor**power
        _collect(left, result, leaves, power)
        return
    if is_op(node, "Pow") and left is not None and exponent in (2.0, 3.0):
        result.nodes.append(node)
        _collect(left, result, leaves, power * int(exponent))
        return
    result.values += [value] * power


def _squares(value: ir.Value) -> bool:
    """Whether one Mul reads the value twice and nothing else does."""
    return not value.is_graph_output() and len(value.uses()) == 2 and len(value.consumers()) == 1


def near(number: float | None, expected: float, tolerance: float = 1e-6) -> bool:
    """Whether a constant is the expected one, as exporters round it: within `tolerance` of it, relative."""
    return number is not None and abs(number - expected) <= tolerance * abs(expected)


def plus(value: ir.Value | None, number: float) -> tuple[ir.Value, ir.Node] | None:
    """`(x, node)` when the value is `x + number` (or `x - -number`), in either order, else None."""
    node = value.producer() if value is not None else None
    if node is None or not is_op(node, "Add", "Sub"):
        return None
    left, right = node.inputs[0], node.inputs[1]
    if node.op_type == "Sub":
        return (left, node) if left is not None and near(scalar(right), -number) else None
    for source, other in ((left, right), (right, left)):
        if source is not None and near(scalar(other), number):
            return source, node
    return None
