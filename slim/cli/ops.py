"""`slim ops`: list the operators that the core runs, with their vector kernels."""

from __future__ import annotations

import argparse

HELP = "list the operators that the core runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--onnx", action="store_true", help="list the ONNX operators that can be lowered to them")


def main(arguments: argparse.Namespace) -> int:
    from slim.cli.output import console, print_json
    from slim.core.operators import OPERATORS

    onnx = _onnx_operators() if arguments.onnx else None
    if arguments.json:
        from slim.report.documents import envelope

        core = [{"name": op.name, "code": op.code, "kernels": list(op.kernels)} for op in OPERATORS.values()]
        print_json(envelope("ops", core=core, onnx=onnx if onnx is not None else _onnx_operators()))
        return 0
    from slim.report.listings import names_in_columns, operator_table

    console().print(names_in_columns(onnx) if onnx is not None else operator_table(OPERATORS.values()))
    return 0


def _onnx_operators() -> list[str]:
    import slim.lower  # noqa: F401  its modules register their rules
    from slim.lower.rules import RULES

    return sorted(RULES)
