"""`slim simplify`: fold, fuse and recognise, without changing what the model computes."""

from __future__ import annotations

import argparse

from slim.cli.options import add_model, add_output, load_model

HELP = "fold, fuse and recognise: same results, fewer nodes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_output(parser)


def main(arguments: argparse.Namespace) -> int:
    from slim import api
    from slim.cli.output import passes_done

    model = load_model(arguments)
    before = len(model.graph)
    model, reports = api.simplify(model)
    return passes_done("simplify", arguments, model, before, reports)
