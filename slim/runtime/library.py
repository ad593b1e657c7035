"""The C core as a `ctypes` library: the functions and structs of `slim/core/include/slim.h`, loaded once."""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, c_char_p, c_double, c_float, c_int, c_int32, c_size_t, c_void_p
from functools import cache
from typing import Any

from slim.core.format import MAX_RANK
from slim.core.newest import is_current


class Model(ctypes.Structure):
    """`slim_model`."""

    _fields_ = [
        ("bytes", c_void_p),
        ("size", c_size_t),
        ("header", c_void_p),
        ("tensors", c_void_p),
        ("operators", c_void_p),
        ("words", c_void_p),
        ("text", c_void_p),
        ("data", c_void_p),
        ("error", c_char_p),
    ]


class Options(ctypes.Structure):
    """`slim_options`."""

    _fields_ = [("threads", c_int), ("isa", c_int)]


class Program(ctypes.Structure):
    """`slim_program` of `program/load.c`."""

    _fields_ = [
        ("mapped", c_void_p),
        ("bytes", c_void_p),
        ("size", c_size_t),
        ("model", Model),
        ("session", c_void_p),
        ("system_error", c_int),
    ]


class Memory(ctypes.Structure):
    """`slim_memory` of `session/run_on.c`."""

    _fields_ = [("data", c_void_p), ("bytes", c_size_t)]


@cache
def memories(count: int) -> type[ctypes.Array[Memory]]:
    """The type of so many. Making one takes longer than opening a program."""
    return Memory * count


memories(1)  # of most programs' inputs and outputs


class Tensor(ctypes.Structure):
    """`slim_tensor`."""

    _fields_ = [
        ("name", c_char_p),
        ("type", c_int),
        ("rank", c_int),
        ("dims", c_int32 * MAX_RANK),
        ("bytes", c_size_t),
        ("scale", c_float),
        ("zero_point", c_int32),
    ]


_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "slim_program_load": (c_int, [POINTER(Program), c_char_p, POINTER(Options)]),
    "slim_program_free": (None, [POINTER(Program)]),
    "slim_model_open": (c_int, [POINTER(Model), c_void_p, c_size_t]),
    "slim_session_bytes": (c_size_t, [POINTER(Model), POINTER(Options)]),
    "slim_session_init": (c_int, [POINTER(c_void_p), POINTER(Model), POINTER(Options), c_void_p, c_size_t]),
    "slim_session_arena_bytes": (c_size_t, [c_void_p]),
    "slim_session_lower_bound_bytes": (c_size_t, [c_void_p]),
    "slim_session_plan_for": (c_int, [c_void_p, c_int]),
    "slim_session_set_arena": (c_int, [c_void_p, c_void_p, c_size_t]),
    "slim_session_release": (None, [c_void_p]),
    "slim_session_create": (c_int, [POINTER(c_void_p), POINTER(Model), POINTER(Options)]),
    "slim_session_free": (None, [c_void_p]),
    "slim_session_isa": (c_char_p, [c_void_p]),
    "slim_input_count": (c_int, [c_void_p]),
    "slim_output_count": (c_int, [c_void_p]),
    "slim_input": (c_int, [c_void_p, c_int, POINTER(Tensor)]),
    "slim_output": (c_int, [c_void_p, c_int, POINTER(Tensor)]),
    "slim_set_input": (c_int, [c_void_p, c_int, c_void_p, c_size_t]),
    "slim_get_output": (c_int, [c_void_p, c_int, c_void_p, c_size_t]),
    "slim_input_data": (c_void_p, [c_void_p, c_int]),
    "slim_output_data": (c_void_p, [c_void_p, c_int]),
    "slim_run": (c_int, [c_void_p]),
    "slim_run_on": (c_int, [c_void_p, POINTER(Memory), POINTER(Memory)]),
    "slim_run_step": (c_int, [c_void_p, c_int]),
    "slim_resize": (c_int, [c_void_p, POINTER(POINTER(c_int32))]),
    "slim_error": (c_char_p, [c_void_p]),
    "slim_status_text": (c_char_p, [c_int]),
    "slim_step_count": (c_int, [c_void_p]),
    "slim_step_name": (c_char_p, [c_void_p, c_int]),
    "slim_step_operator": (c_char_p, [c_void_p, c_int]),
    "slim_peak_arithmetic": (c_double, [c_int]),
    "slim_peak_read": (c_double, [c_void_p, c_size_t]),
}


_EACH_SESSION = (
    "slim_program_load",
    "slim_input_count",
    "slim_output_count",
    "slim_input",
    "slim_output",
    "slim_run_on",
)


class Core(ctypes.CDLL):
    """The library; a function gets its signature when it is first used."""

    def __getattr__(self, name: str) -> Any:
        function = super().__getattr__(name)
        if name in _SIGNATURES:
            function.restype, function.argtypes = _SIGNATURES[name]
        return function


_RUNTIME = os.path.dirname(__file__)
_PACKAGE = os.path.dirname(_RUNTIME)
_BUILT = os.path.join(_RUNTIME, "_core.so")
_IN_CHECKOUT = os.path.isfile(os.path.join(_PACKAGE, os.pardir, "pyproject.toml"))


def _path() -> str:
    """The library: a wheel's as it is, a checkout's if no source is newer. Importing the compiler takes longer than a
    first run, so that is left to the day when something has to be compiled."""
    if _IN_CHECKOUT:
        if is_current(_BUILT, os.path.join(_PACKAGE, "core")):
            return _BUILT
    elif os.path.isfile(_BUILT):
        return _BUILT
    from slim.core.compile import library_path

    return str(library_path())


@cache
def core() -> Core:
    """The library, compiled first where an editable checkout's sources are newer than it is."""
    library = Core(_path())
    for name in _EACH_SESSION:  # found with the library, as those of an extension module would be
        getattr(library, name)
    return library


def text(value: bytes | None) -> str:
    """A C string as Python text."""
    return (value or b"").decode("utf-8", "replace")


if not _IN_CHECKOUT and os.path.isfile(_BUILT):
    core()  # when the module is imported, as an extension module would be
