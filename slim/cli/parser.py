"""The parser: every command registers its own options; usage errors are one sentence."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from slim.cli import bench, build, check, compress, devices, ops, prune, quantize, run, simplify

COMMANDS = (check, compress, simplify, prune, quantize, build, run, bench, devices, ops)

EPILOG = """\
MODEL is an .onnx file, an MXNet *-symbol.json (its .params beside it, or --params), or a .slim program.

  slim check model.onnx --device rpi3              does it fit?
  slim compress model.onnx --device rpi3 --data calib/ -o small.onnx
                                                   make it fit
  slim build small.onnx --target rpi3 -o out/      ship it
"""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without printing the usage over it."""

    def error(self, message: str) -> NoReturn:
        print(f"slim: {message}; see `{self.prog} --help`", file=sys.stderr)
        sys.exit(2)


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sets `run`, a function from its arguments to an exit code."""
    parser = Parser(
        prog="slim",
        description="Does a trained network fit a small device; make it fit; ship it as one C file.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        doc = (module.__doc__ or "").partition("\n")[0]
        command = commands.add_parser(name, help=module.HELP, description=doc.partition(": ")[2] or doc)
        module.add_arguments(command)
        command.add_argument("--json", action="store_true", help="print a JSON document (docs/schema) instead of text")
        command.set_defaults(run=module.main)
    return parser


class _Version(argparse.Action):
    """Looks the version up only when it is asked for: the lookup costs more than all of --help."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"slim {version('slim')}")
        except PackageNotFoundError:
            print("slim (not installed)")
        parser.exit()
