"""`Session`: run a program on arrays.

Inputs are checked against the program's names, types and shapes with every problem reported at once; an input of
another shape (same rank) resizes the session, as the device's own API would.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from slim.core.format import Type
from slim.errors import CoreError, Problem
from slim.runtime.handle import Handle, ProgramLike
from slim.runtime.library import Memory, Tensor, memories, text

ISAS = ("auto", "plain", "avx2", "avx512", "avx512vnni", "neon", "neondot", "wasm", "avxvnni")

WARM_UP_S = 0.1
"""Before anything is timed: caches and clock settle, and threads that numpy's BLAS started have spun to their end."""

_DTYPES: dict[int, np.dtype[np.generic]] = {
    Type.F32: np.dtype(np.float32),
    Type.U8: np.dtype(np.uint8),
    Type.I8: np.dtype(np.int8),
    Type.I32: np.dtype(np.int32),
    Type.I64: np.dtype(np.int64),
    Type.BOOL: np.dtype(np.bool_),
    Type.F16: np.dtype(np.float16),
}


class TensorInfo(NamedTuple):
    """Name, shape and type of an input or output; scale and zero point where it is quantized."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    scale: float = 0.0
    zero_point: int = 0


class StepTime(NamedTuple):
    """Median time of one step of the program."""

    name: str
    operator: str
    seconds: float


class Session:
    """A program ready to run, on the C core in this process.

    Args:
        program: a `.slim` program, as bytes or as the path of a file (which is memory-mapped).
        threads: worker threads, the caller's included.
        isa: instruction set; "auto" is the best that this processor has.

    Raises:
        CoreError: the program is broken, or needs what this build does not have.
    """

    def __init__(self, program: ProgramLike, threads: int = 1, isa: str = "auto") -> None:
        if isa not in ISAS:
            raise CoreError(Problem(f"unknown instruction set {isa!r}", do=f"use one of {', '.join(ISAS)}"))
        if not 1 <= threads <= 64:
            raise CoreError(Problem(f"{threads} threads", do="use 1 to 64"))
        self._handle = Handle(program, threads, ISAS.index(isa))
        self._lib = self._handle.lib
        self.threads = threads
        self._describe()

    @property
    def isa(self) -> str:
        """The instruction set in use."""
        return text(self._lib.slim_session_isa(self._handle.session))

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The inputs with their present shapes."""
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """The outputs with their present shapes."""
        return self._outputs

    @property
    def program_bytes(self) -> int:
        """Bytes of the program: weights, steps and names."""
        return self._handle.size

    @property
    def arena_bytes(self) -> int:
        """Bytes of activations and scratch memory in use."""
        return int(self._lib.slim_session_arena_bytes(self._handle.session))

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run once. `feeds` maps every input's name to an array; the result maps every output's name to one.

        Arrays that fit are read where they are, if the first layers can do that, so nobody may write to them meanwhile.

        Raises:
            CoreError: inputs that are missing, unknown, or of another type or rank, all of them at once.
        """
        if not self._are_as(feeds):
            arrays = self._ready(feeds)  # which holds what was converted until it has been read
            point_to(arrays, self._read)
        outputs = [np.empty(info.shape, info.dtype) for info in self._outputs]
        point_to(outputs, self._written)
        self._handle.check(self._lib.slim_run_on(self._handle.session, self._read, self._written))
        return {info.name: array for info, array in zip(self._outputs, outputs, strict=True)}

    def input_view(self, name: str) -> np.ndarray:
        """The memory of an input, to be written before each `run_bound`: a run may put later tensors in its place.

        While such an array is in use the session can be neither closed nor given other shapes. Raises CoreError where
        there is no such input.
        """
        return self._view(self._lib.slim_input_data, self._inputs, name)

    def output_view(self, name: str) -> np.ndarray:
        """The memory of an output, read-only, as the last run left it; used as `input_view`'s."""
        view = self._view(self._lib.slim_output_data, self._outputs, name)
        view.flags.writeable = False
        return view

    def run_bound(self) -> None:
        """Run once on what the arrays of `input_view` hold; `output_view`'s have the results. Copies nothing."""
        self._handle.check(self._lib.slim_run(self._handle.session))

    def profile(self, feeds: Mapping[str, np.ndarray], runs: int = 20) -> tuple[StepTime, ...]:
        """Median seconds of each step over `runs` runs, after some to warm up; steps in the order of the program."""
        session, lib = self._handle.session, self._lib
        began = time.perf_counter()
        while time.perf_counter() - began < WARM_UP_S:
            self.run(feeds)
        steps = range(lib.slim_step_count(session))
        seconds = np.empty((runs, len(steps)))
        for run in range(runs):
            self._set_inputs(feeds)
            for step in steps:
                start = time.perf_counter()
                status = lib.slim_run_step(session, step)
                seconds[run, step] = time.perf_counter() - start
                self._handle.check(status)
        medians = np.median(seconds, axis=0)
        return tuple(
            StepTime(text(lib.slim_step_name(session, i)), text(lib.slim_step_operator(session, i)), float(medians[i]))
            for i in steps
        )

    def close(self) -> None:
        """Free the session's memory and threads now rather than with the object."""
        self._handle.refuse_views()
        self._handle.close()

    def _describe(self) -> None:
        """Read names, shapes and types from the core: once, and again after each change of shape."""
        session, lib = self._handle.session, self._lib
        self._inputs = tuple(self._info(lib.slim_input, i) for i in range(lib.slim_input_count(session)))
        self._outputs = tuple(self._info(lib.slim_output, i) for i in range(lib.slim_output_count(session)))
        self._read, self._written = memories(len(self._inputs))(), memories(len(self._outputs))()

    def _info(self, ask: ctypes._NamedFuncPointer, index: int) -> TensorInfo:
        tensor = Tensor()
        self._handle.check(ask(self._handle.session, index, ctypes.byref(tensor)))
        shape = tuple(tensor.dims[: tensor.rank])
        return TensorInfo(text(tensor.name), shape, _DTYPES[tensor.type], tensor.scale, tensor.zero_point)

    def _view(self, ask: ctypes._NamedFuncPointer, ends: tuple[TensorInfo, ...], name: str) -> np.ndarray:
        names = [info.name for info in ends]
        if name not in names:
            raise CoreError(Problem("the program has no such tensor", repr(name), f"use {', '.join(names)}"))
        index = names.index(name)
        return self._handle.array(ask(self._handle.session, index), ends[index].shape, ends[index].dtype)

    def _set_inputs(self, feeds: Mapping[str, np.ndarray]) -> None:
        for index, array in enumerate(self._ready(feeds)):
            status = self._lib.slim_set_input(self._handle.session, index, _address(array), array.nbytes)
            self._handle.check(status)

    def _are_as(self, feeds: Mapping[str, np.ndarray]) -> bool:
        """Whether all arrays can be handed over as they are, and where that is, in one question each."""
        if len(feeds) != len(self._inputs):
            return False
        for info, memory in zip(self._inputs, self._read, strict=True):
            given = feeds.get(info.name)
            if not isinstance(given, np.ndarray):
                return False
            told = given.__array_interface__
            if told["shape"] != info.shape or told["typestr"] != info.dtype.str or told["strides"] is not None:
                return False
            memory.data, memory.bytes = told["data"][0], given.nbytes
        return True

    def _ready(self, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The inputs as the core takes them, in its order; the session gets their shapes."""
        self._refuse(feeds)
        arrays = [np.asarray(feeds[info.name], info.dtype, order="C") for info in self._inputs]
        if any(array.shape != info.shape for array, info in zip(arrays, self._inputs, strict=True)):
            self._resize(arrays)
        return arrays

    def _resize(self, arrays: list[np.ndarray]) -> None:
        """Give every input its array's shape, all at once: one alone might not fit the others."""
        self._handle.refuse_views()
        dims = [(ctypes.c_int32 * array.ndim)(*array.shape) for array in arrays]
        pointer = ctypes.POINTER(ctypes.c_int32)
        shapes = (pointer * len(dims))(*(ctypes.cast(d, pointer) for d in dims))
        if status := self._lib.slim_resize(self._handle.session, shapes):
            said = self._handle.said(status)
            raise CoreError(
                Problem(f"has shape {list(a.shape)} ({said})", f"input {i.name!r}", f"give {list(i.shape)}")
                for a, i in zip(arrays, self._inputs, strict=True)
                if a.shape != i.shape
            )
        self._describe()

    def _refuse(self, feeds: Mapping[str, np.ndarray]) -> None:
        """Raise for all inputs that are missing, unknown, or of another type or rank."""
        problems = [p for p in (self._problem(info, feeds.get(info.name)) for info in self._inputs) if p]
        if len(feeds) != len(self._inputs) or problems:
            known = {info.name for info in self._inputs}
            use = f"use {', '.join(sorted(known))}"
            problems += [Problem("the program has no such input", f"input {n!r}", use) for n in feeds if n not in known]
        if problems:
            raise CoreError(problems)

    @staticmethod
    def _problem(info: TensorInfo, given: np.ndarray | None) -> Problem | None:
        where = f"input {info.name!r}"
        if given is None:
            return Problem("is missing", where, f"give {info.dtype} of shape {list(info.shape)}")
        array = np.asarray(given)
        if array.ndim != len(info.shape) or 0 in array.shape:
            return Problem(f"has shape {list(array.shape)}", where, f"give {list(info.shape)}")
        if array.dtype != info.dtype and not np.can_cast(array.dtype, info.dtype, "same_kind"):
            return Problem(f"has type {array.dtype}", where, f"give {info.dtype}")
        return None


def point_to(arrays: Sequence[np.ndarray], memories: ctypes.Array[Memory]) -> None:
    """Note where they are, for `slim_run_on`."""
    for array, memory in zip(arrays, memories, strict=True):
        memory.data, memory.bytes = _address(array), array.nbytes


def _address(array: np.ndarray) -> int:
    """Where its elements are; half the time of `array.ctypes.data`."""
    return int(array.__array_interface__["data"][0])
