"""`slim prune`: remove what no output needs and what only training needed."""

from __future__ import annotations

import argparse

from slim.cli.options import add_model, add_output, load_model

HELP = "remove what no output needs and what only training needed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_output(parser)


def main(arguments: argparse.Namespace) -> int:
    from slim import api
    from slim.cli.output import passes_done

    model = load_model(arguments)
    before = len(model.graph)
    model, reports = api.prune(model)
    return passes_done("prune", arguments, model, before, reports)
