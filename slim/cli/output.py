"""Where results go: the terminal, a JSON document on stdout, files that appear whole or not at all."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slim.errors import Problem, SlimError

if TYPE_CHECKING:
    import onnx_ir as ir
    from rich.console import Console

    from slim.prune import PassReport

MOST_IN_ONE_FILE = 2_000_000_000
"""Bytes of weights; a protobuf ends at 2 GiB."""

PIPE_WIDTH = 120
"""Columns where there is no terminal to ask and COLUMNS is not set."""


def console() -> Console:
    """The terminal: colours only where stdout is one (NO_COLOR is honoured)."""
    from rich.console import Console

    class Terminal(Console):
        def on_broken_pipe(self) -> None:
            """Raises what rich caught: its own exit code, 1, is that of a model that does not fit."""
            raise

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Terminal(width=width, highlight=False, soft_wrap=False)


def print_json(document: dict[str, Any]) -> None:
    """One document, indented; the keys in the order of the schema."""
    json.dump(document, sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def say(text: str) -> None:
    """One plain line of a result."""
    print(text)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, renamed onto it when the block ends well and removed when it does not."""
    if path.is_dir():
        raise SlimError(Problem("is a folder", str(path), "name the file to write"))
    if path.exists() and not path.is_file():  # a device or a pipe: renaming would put a file in its place
        raise SlimError(Problem("is no regular file", str(path), "name the file to write"))
    beside = path.with_name(f".{path.name}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        beside.replace(path)
    except OSError as error:
        what = f"cannot be written ({error.strerror or error})"
        raise SlimError(Problem(what, str(path), "name a file in another folder")) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def write_model(model: ir.Model, path: Path) -> int:
    """Save an ONNX model whole. Returns its bytes, weights included.

    Weights go into the file, also those that the model it was made from keeps in others: the output may be in another
    folder. What is more than a protobuf can hold goes to `NAME.onnx.data` beside it."""
    if path.suffix == ".slim":
        raise SlimError(
            Problem("is the name of a program", str(path), "name an .onnx file; `slim build` writes programs")
        )
    import onnx_ir as ir

    weights = sum(value.const_value.nbytes for value in model.graph.initializers.values() if value.const_value)
    with replacing(path) as beside:
        if weights > MOST_IN_ONE_FILE:
            ir.save(model, beside, external_data=f"{path.name}.data")
            return beside.stat().st_size + path.with_name(f"{path.name}.data").stat().st_size
        ir.external_data.load_to_model(model)
        ir.save(model, beside)
        return beside.stat().st_size


def passes_done(
    command: str, arguments: argparse.Namespace, model: ir.Model, nodes_before: int, reports: Iterable[PassReport]
) -> int:
    """Save the model and say what the passes changed. Returns the exit code 0."""
    size = write_model(model, arguments.output)
    changed = [report for report in reports if report.changes]
    if arguments.json:
        from slim.report.documents import envelope

        passes = [{"name": r.name, "changes": r.changes, "notes": list(r.notes)} for r in changed]
        nodes = {"before": nodes_before, "after": len(model.graph)}
        print_json(envelope(command, output=str(arguments.output), output_bytes=size, nodes=nodes, passes=passes))
        return 0
    from slim.report.units import bytes_text

    for report in changed:
        say(f"{report.changes:5}  {report.name}")
    say(f"{nodes_before} nodes became {len(model.graph)}; {arguments.output} has {bytes_text(size)}")
    return 0
