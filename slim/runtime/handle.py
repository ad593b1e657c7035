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
from slim.runtime.library import Options, Program, core, text

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
    """`slim_program`: bytes, model and session, freed when this object goes. A caller's bytes are kept as long."""

    session: int | None = None
    _path: bytes | None = None
    _program: Program | None = None

    def __init__(self, program: ProgramLike, threads: int, isa: int) -> None:
        self.lib = core()
        self.options = Options(threads, isa)
        self._program = loaded = Program()
        self._views: list[weakref.ref[ctypes.Array[ctypes.c_char]]] = []
        if isinstance(program, str) or hasattr(program, "__fspath__"):
            self._path = os.fsencode(program)
        else:
            self._bytes = _aligned(program)
            loaded.bytes, loaded.size = self._bytes.ctypes.data, self._bytes.size
        status = self.lib.slim_program_load(ctypes.byref(loaded), self._path, ctypes.byref(self.options))
        self.session, self.model = loaded.session, loaded.model
        self.size: int = loaded.size
        if status:
            self._refuse(status, loaded.system_error)

    @property
    def where(self) -> str:
        """The program, in messages."""
        return "program" if self._path is None else os.fsdecode(self._path)

    def _refuse(self, status: int, system_error: int) -> None:
        """Raise why there is no session that runs."""
        if system_error:
            what = f"cannot be read ({os.strerror(system_error)})"
            if os.path.isdir(self.where):
                what = "is a folder"
            elif os.path.isfile(self.where) and not os.path.getsize(self.where):
                what = "is empty"
            raise CoreError(Problem(what, self.where, "give the path of a .slim program"))
        if self.model.error:
            do = "build the program again with this version of slim"
            raise CoreError(Problem(text(self.model.error), self.where, do))
        has_kernels = self.session is None or self.lib.slim_session_isa(self.session)
        self.fail(status, "" if has_kernels else "use another one, or auto for the best here")

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

    def fail(self, status: int, do: str = "") -> None:
        """Raise what the core says of its last failure."""
        raise CoreError(Problem(self.said(status), self.where, do))

    def said(self, status: int) -> str:
        """What the core says of its last failure."""
        said = text(self.lib.slim_error(self.session)) if self.session else ""
        return said or text(self.lib.slim_status_text(status))

    def check(self, status: int) -> None:
        """Raise unless the status is SLIM_OK."""
        if status:
            self.fail(status)

    def close(self) -> None:
        """Free the session now."""
        program, self._program, self.session = self._program, None, None
        if program:
            self.lib.slim_program_free(ctypes.byref(program))

    def __del__(self) -> None:
        self.close()  # not weakref.finalize: its first use takes as long as the core takes for a whole session
