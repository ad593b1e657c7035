"""Opening what `slim run` and `slim bench` run: a program, or a model that is lowered first."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from slim.cli.options import add_model, count, program_or_model

if TYPE_CHECKING:
    from slim.runtime import Session


def add_session(parser: argparse.ArgumentParser) -> None:
    """MODEL, --threads and --isa."""
    add_model(parser, ".onnx, *-symbol.json or .slim")
    parser.add_argument("--threads", metavar="N", type=count, default=1, help="threads to run with (default 1)")
    parser.add_argument(
        "--optimize",
        choices=("speed", "size"),
        default="speed",
        help="size: trade no memory for speed (default: speed)",
    )
    parser.add_argument(
        "--weights",
        choices=("fp32", "fp16", "bf16"),
        default="fp32",
        help="store float weights in 16 bits: half the bytes (default: fp32)",
    )
    parser.add_argument(
        "--arithmetic",
        choices=("fp32", "bf16"),
        default="fp32",
        help="bf16: round the inputs of float layers for processors with AVX512_BF16 (default: fp32)",
    )
    parser.add_argument("--isa", metavar="ISA", default="auto", help="instruction set (default: the best here)")


def open_session(arguments: argparse.Namespace) -> Session:
    """The session of MODEL on this machine."""
    from slim import api

    return api.Session(program_or_model(arguments), **session_options(arguments))


def session_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What `add_session` asked for, by the names that `slim.Session` has for it."""
    return {name: getattr(arguments, name) for name in ("threads", "isa", "optimize", "weights", "arithmetic")}
