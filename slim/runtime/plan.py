"""What a program's session needs of memory, asked of the core's own planner."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

from slim.runtime.handle import Handle, ProgramLike
from slim.runtime.session import ISAS


class Plan(NamedTuple):
    """Bytes that a session takes beyond the program itself."""

    arena_bytes: int  # activations and scratch memory
    table_bytes: int  # tensors, steps, threads
    lower_bound_bytes: int  # the largest sum of live tensors over time; scratch memory of several threads beside it


def plan(program: ProgramLike, threads: int = 1, isa: str = "auto") -> Plan:
    """The memory plan that the core makes for this program with this many threads.

    `isa` is the instruction set that will run it, which this machine need not have; scratch memory depends on it. Exact
    for 64-bit processors; others have shorter pointers and take a little less.

    Raises:
        CoreError: the bytes are not a program that this core takes.
    """
    handle = Handle(program, threads, 0)
    lib = handle.lib
    if isa != "auto":
        handle.check(lib.slim_session_plan_for(handle.session, ISAS.index(isa)))
    result = Plan(
        arena_bytes=lib.slim_session_arena_bytes(handle.session),
        table_bytes=lib.slim_session_bytes(ctypes.byref(handle.model), ctypes.byref(handle.options)),
        lower_bound_bytes=lib.slim_session_lower_bound_bytes(handle.session),
    )
    handle.close()
    return result
