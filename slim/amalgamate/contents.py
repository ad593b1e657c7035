"""What a program holds, as far as the single file has to know: its operators, and the tensors at its ends.

The operators are read from the program's own records, names, shapes and memory come from the core that opens it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from slim.core import format as fmt
from slim.core.manifest import PARTS, Selection, select
from slim.core.operators import OPERATORS, Operator
from slim.errors import CoreError, Problem
from slim.runtime import Session, TensorInfo, plan


@dataclass(frozen=True)
class Contents:
    """A program's operators, inputs and outputs, and the bytes of memory that one thread needs to run it, at most."""

    selection: Selection
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    arena_bytes: int


def read_contents(program: bytes | bytearray | memoryview, isas: Iterable[str]) -> Contents:
    """Open the program with the core and say what it holds. Raises CoreError for bytes that are not a valid program."""
    session = Session(program)
    try:
        arena = max(plan(program, isa=isa).arena_bytes for isa in isas)
        return Contents(program_selection(program), session.inputs, session.outputs, arena)
    finally:
        session.close()


def program_selection(program: bytes | bytearray | memoryview) -> Selection:
    """The operators that the program's records name. Raises CoreError for bytes that hold no such records."""
    header = fmt.layout(fmt.HEADER)
    record = fmt.layout(fmt.OPERATOR)
    if len(program) < header.size or program[:4] != fmt.MAGIC.to_bytes(4, "little"):
        raise CoreError(Problem("these bytes are not a slim program", do="make one with `slim.lower.lower`"))
    fields = dict(zip((f.name for f in fmt.HEADER), header.unpack_from(program), strict=True))
    start, count = fields["operators"], fields["operator_count"]
    if start + count * record.size > len(program):
        raise CoreError(Problem("the program is truncated"))
    names = [field.name for field in fmt.OPERATOR]
    rows = [
        dict(zip(names, row, strict=True))
        for row in record.iter_unpack(memoryview(program)[start : start + count * record.size])
    ]
    known = {op.code: op for op in OPERATORS.values()}
    if unknown := sorted({row["code"] for row in rows} - known.keys()):
        raise CoreError(
            Problem(f"the program has operators of unknown codes {unknown}", do="build it with this version of slim")
        )
    used = [(known[row["code"]], _attributes(program, fields["words"], known[row["code"]], row)) for row in rows]
    without = [part for part, reached in PARTS.items() if not any(reached(*use) for use in used)]
    return select((op.name for op, _ in used), without)


def _attributes(
    program: bytes | bytearray | memoryview, words: int, op: Operator, row: dict[str, int]
) -> dict[str, float]:
    """An operator's attributes by their names."""
    start, codes = words + 4 * row["attributes"], "".join(attribute.code for attribute in op.attributes)
    if row["attribute_count"] != len(codes) or start + 4 * len(codes) > len(program):
        raise CoreError(Problem("an operator of the program lacks attributes"))
    values = struct.unpack_from(f"<{codes}", program, start)
    return dict(zip((attribute.name for attribute in op.attributes), values, strict=True))
