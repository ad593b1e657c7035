"""`slim build`: write the single C file, its header, an example and a Makefile. Exit code 1: an operator is missing."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from slim.cli.options import add_lowering, add_model, lowering_of, program_or_model

HELP = "write one C file that runs the model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser, ".onnx, *-symbol.json or .slim")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, type=Path, help="the folder to write")
    parser.add_argument("--target", metavar="T", default="host", help="such as rpi3 or x86-64-linux (default: host)")
    parser.add_argument("--embed", action="store_true", help="put the weights into the C file")
    parser.add_argument("--compile", action="store_true", help="compile it too")
    add_lowering(parser, size="less code, and trade no memory for speed")
    parser.add_argument("--name", metavar="NAME", help="name of the files and the C prefix (default: the model's)")


def main(arguments: argparse.Namespace) -> int:
    from slim import api
    from slim.cli.output import print_json, say
    from slim.errors import UnsupportedError
    from slim.report.units import bytes_text

    model = program_or_model(arguments)
    try:
        built = api.build(
            model,
            arguments.output,
            target=arguments.target,
            embed=arguments.embed,
            compile=arguments.compile,
            name=arguments.name,
            source=arguments.model,
            **lowering_of(arguments),
        )
    except UnsupportedError as error:
        for problem in error.problems:
            print(f"slim: {problem}", file=sys.stderr)
        return 1
    if arguments.json:
        from slim.report.documents import build_document

        print_json(build_document(built))
        return 0
    for kind, path in built.paths.items():
        say(f"{bytes_text(built.sizes[kind]):>9}  {path}")
    return 0
