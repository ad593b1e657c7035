"""Problems with a place: what every part of slim raises when its input cannot be used.

A problem says what is wrong, where (file, node, input), and what to do next. All problems of one kind are collected and
raised together, so that a user sees every unsupported operator at once rather than the first one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Problem(NamedTuple):
    """One thing that is wrong. `where` reads like `model.onnx: node 'conv1' (Conv), input 'W'`."""

    what: str
    where: str = ""
    do: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f"; {self.do}" if self.do else ""
        return f"{place}{self.what}{remedy}"


class SlimError(Exception):
    """Input that cannot be used, with every problem found. The command line prints it and exits with 2."""

    def __init__(self, problems: Problem | str | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class LoadError(SlimError):
    """A file that cannot be read as a model."""


class UnsupportedError(SlimError):
    """A readable model with operators, types or shapes that slim has no implementation for."""


class CoreError(SlimError):
    """The C core refused a program, an input or a shape."""
