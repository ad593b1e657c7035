"""What the core itself says about a model: the program's bytes, the planner's arena, the code that it needs.

Nothing is computed here: `slim.lower` makes the program, `slim.runtime` plans it with the C planner that the device
runs, `slim.amalgamate` knows the measured size of each part of the core.
"""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir

from slim.errors import CoreError, Problem, UnsupportedError


@dataclass(frozen=True)
class ProgramFacts:
    """Exact bytes of the lowered model on one instruction set with a number of threads."""

    program_bytes: int
    arena_bytes: int
    table_bytes: int
    lower_bound_bytes: int
    code_bytes: int


def weights_absent(model: ir.Model) -> bool:
    """Whether the model was loaded from a symbol file without parameters: its weights read as zeros."""
    return model.metadata_props.get("slim.weights") == "absent"


def ask_core(model: ir.Model, isa: str, threads: int) -> tuple[ProgramFacts | None, tuple[Problem, ...]]:
    """The facts, or None with everything that keeps the core from running the model."""
    from slim.amalgamate import code_size
    from slim.lower import lower
    from slim.runtime import plan

    try:
        program = lower(model)
        planned = plan(program, threads, isa)
    except (UnsupportedError, CoreError) as error:
        return None, error.problems
    code = code_size(program, isa)
    return ProgramFacts(len(program), planned.arena_bytes, planned.table_bytes, planned.lower_bound_bytes, code), ()
