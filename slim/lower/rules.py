"""The table of lowering rules: one function an ONNX operator, found by name.

A rule reads its node's inputs from the `Lowering`, writes operators of the core, and puts the node's outputs. It raises
`UnsupportedError` where the core cannot run the node as it is.
"""

from __future__ import annotations

from collections.abc import Callable

import onnx_ir as ir

from slim.errors import Problem, UnsupportedError
from slim.lower.context import Lowering, where

Rule = Callable[[Lowering, ir.Node], None]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule for these operators of ONNX's own domain."""

    def register(function: Rule) -> Rule:
        for name in names:
            RULES[name] = function
        return function

    return register


def refuse(node: ir.Node, what: str, do: str = "") -> UnsupportedError:
    """The error for a node that its rule cannot lower."""
    return UnsupportedError(Problem(what, where(node), do))


def ints(node: ir.Node, name: str, default: list[int]) -> list[int]:
    """A list attribute."""
    return [int(i) for i in node.attributes.get_ints(name, default) or default]
