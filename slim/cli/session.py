"""Opening what `slim run` and `slim bench` run: a program, or a model that is lowered first."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from slim.cli.options import add_lowering, add_model, count, lowering_of, program_or_model

if TYPE_CHECKING:
    from slim.runtime import Session


def add_session(parser: argparse.ArgumentParser) -> None:
    """MODEL, how it becomes a program, --threads and --isa."""
    add_model(parser, ".onnx, *-symbol.json or .slim")
    parser.add_argument("--threads", metavar="N", type=count, default=1, help="threads to run with (default 1)")
    add_lowering(parser)
    parser.add_argument("--isa", metavar="ISA", default="auto", help="instruction set (default: the best here)")


def open_session(arguments: argparse.Namespace) -> Session:
    """The session of MODEL on this machine."""
    from slim import api

    return api.Session(program_or_model(arguments), **session_options(arguments))


def session_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What `add_session` asked for, by the names that `slim.Session` has for it."""
    return {"threads": arguments.threads, "isa": arguments.isa, **lowering_of(arguments)}
