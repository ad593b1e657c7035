"""Calls into libraries that raise anything on damaged input: whatever they raise becomes a `LoadError` with a place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from slim.errors import LoadError, Problem, SlimError


@contextmanager
def foreign(where: str, what: str, do: str = "") -> Iterator[None]:
    """Turn any exception of the enclosed library call into a `LoadError` that starts with `what`.

    `MemoryError` and `RecursionError` count as damage too: a file's bytes decide how deep and how large they get."""
    try:
        yield
    except SlimError:
        raise
    except Exception as error:
        reason: BaseException = error
        while reason.__cause__ is not None:  # onnx_ir wraps what is wrong in where its own code was
            reason = reason.__cause__
        lines = [line for line in str(reason).strip().splitlines() if line.strip()]
        detail = f": {lines[0][:300]}" if lines else f" ({type(reason).__name__})"
        raise LoadError(Problem(what + detail, where, do)) from error
