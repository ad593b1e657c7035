"""Opening what `slim run` and `slim bench` run: a program, or a model that is lowered first."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from slim.cli.options import add_model, count, load_model

if TYPE_CHECKING:
    from slim.runtime import Session


def add_session(parser: argparse.ArgumentParser) -> None:
    """MODEL, --threads and --isa."""
    add_model(parser, ".onnx, *-symbol.json or .slim")
    parser.add_argument("--threads", metavar="N", type=count, default=1, help="threads to run with (default 1)")
    parser.add_argument("--isa", metavar="ISA", default="auto", help="instruction set (default: the best here)")


def open_session(arguments: argparse.Namespace) -> tuple[Session, int]:
    """The session of MODEL on this machine, and the bytes of its program."""
    from slim import api

    if arguments.model.endswith(".slim"):
        program_bytes = Path(arguments.model).stat().st_size
        return api.Session(arguments.model, threads=arguments.threads, isa=arguments.isa), program_bytes
    from slim.lower import lower

    program = lower(api.simplify(load_model(arguments))[0])
    return api.Session(program, threads=arguments.threads, isa=arguments.isa), len(program)
