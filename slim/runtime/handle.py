"""An opened program and its session in the core, closed with the Python object that holds it."""

from __future__ import annotations

import ctypes
import math
import os
import weakref
from os import PathLike

import numpy as np

from slim.core.format import ALIGNMENT
from slim.errors import CoreError, Problem
from slim.runtime.library import Model, Options, core, text

ProgramLike = bytes | bytearray | memoryview | str | PathLike[str]


def _aligned(program: bytes | bytearray | memoryview) -> np.ndarray:
    """The program as an aligned array of bytes; unaligned bytes are copied."""
    raw = np.frombuffer(program, np.uint8)
    if raw.size and raw.ctypes.data % ALIGNMENT == 0:
        return raw
    buffer = np.empty(raw.size + ALIGNMENT, np.uint8)
    start = -buffer.ctypes.data % ALIGNMENT
    buffer[start : start + raw.size] = raw
    return buffer[start : start + raw.size]


class Handle:
    """`slim_model` and `slim_session`. The session is freed when this object goes, the bytes are kept as long."""

    session: ctypes.c_void_p | None = None
    where = "program"
    _mapped: ctypes.c_void_p | None = None

    def __init__(self, program: ProgramLike, threads: int, isa: int) -> None:
        self.lib = core()
        self.model = Model()
        self._views: list[weakref.ref[ctypes.Array[ctypes.c_char]]] = []
        if isinstance(program, str) or hasattr(program, "__fspath__"):
            self.where = os.fsdecode(program)
            address = self._map()
        else:
            self._bytes = _aligned(program)
            address = ctypes.c_void_p(self._bytes.ctypes.data)
            self.size = self._bytes.size
        if self.lib.slim_model_open(ctypes.byref(self.model), address, self.size):
            raise CoreError(
                Problem(text(self.model.error), self.where, "build the program again with this version of slim")
            )
        self.options = Options(threads, isa)
        pointer = ctypes.c_void_p()
        status = self.lib.slim_session_create(
            ctypes.byref(pointer), ctypes.byref(self.model), ctypes.byref(self.options)
        )
        self.session = pointer
        if status:
            self.fail(status)

    def _map(self) -> ctypes.c_void_p:
        """The program's file, mapped and not read."""
        address, size = ctypes.c_void_p(), ctypes.c_size_t()
        error = self.lib.slim_program_map(os.fsencode(self.where), ctypes.byref(address), ctypes.byref(size))
        if error:
            why = OSError(error, os.strerror(error), self.where)
            raise CoreError(Problem(f"cannot be read ({why})", self.where, "give the path of a .slim program"))
        self._mapped, self.size = address, size.value
        return address

    def array(self, address: int, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> np.ndarray:
        """The session's memory as an array that keeps this handle."""
        memory = (ctypes.c_char * (math.prod(shape) * dtype.itemsize)).from_address(address)
        memory.handle = self  # type: ignore[attr-defined]
        self._views.append(weakref.ref(memory))
        return np.frombuffer(memoryview(memory), dtype).reshape(shape)

    def refuse_views(self) -> None:
        """Raise while an array of the session's memory is in use, before that memory goes."""
        self._views = [view for view in self._views if view() is not None]
        if self._views:
            raise CoreError(
                Problem(
                    "arrays of its inputs or outputs are in use",
                    self.where,
                    "delete what input_view and output_view gave",
                )
            )

    def fail(self, status: int) -> None:
        """Raise what the core says of its last failure."""
        said = text(self.lib.slim_error(self.session)) if self.session else ""
        raise CoreError(Problem(said or text(self.lib.slim_status_text(status)), self.where))

    def check(self, status: int) -> None:
        """Raise unless the status is SLIM_OK."""
        if status:
            self.fail(status)

    def close(self) -> None:
        """Free the session now."""
        session, self.session = self.session, None
        if session:
            self.lib.slim_session_free(session)
        mapped, self._mapped = self._mapped, None
        if mapped:
            self.lib.slim_program_unmap(mapped, self.size)

    def __del__(self) -> None:
        self.close()  # not weakref.finalize: its first use takes as long as the core takes for a whole session
