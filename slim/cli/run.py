"""`slim run`: run a model on the core of this machine, with inputs from files."""

from __future__ import annotations

import argparse
from pathlib import Path

from slim.cli.options import recipe_of
from slim.cli.session import add_session, open_session

HELP = "run a model, from files to files"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_session(parser)
    parser.add_argument(
        "--input", metavar="NAME=FILE", action="append", required=True,
        help=".npy, or an image with --recipe; NAME= may be left out where there is one input",
    )  # fmt: skip
    parser.add_argument("--output", metavar="OUT.npz", type=Path, help="write all outputs")
    parser.add_argument("--recipe", metavar="R", help="how an image becomes an input: a name or your own .toml")
    parser.add_argument("--labels", metavar="FILE", help="class names, one a line: prints the best five")
    parser.add_argument("--profile", action="store_true", help="print the time of each layer")


def main(arguments: argparse.Namespace) -> int:
    from slim.cli.feeds import read_feeds, read_labels
    from slim.cli.output import console, print_json, replacing

    session = open_session(arguments)
    recipe = recipe_of(arguments)
    feeds = read_feeds(arguments.input, [info.name for info in session.inputs], recipe)
    labels = read_labels(arguments.labels) if arguments.labels else None
    outputs = session.run(feeds)
    if arguments.output:
        import numpy as np

        with replacing(arguments.output) as beside:
            np.savez(beside, allow_pickle=False, **outputs)
    steps = session.profile(feeds) if arguments.profile else ()
    from slim.report.labels import best_classes

    first = next(iter(outputs.values()))
    guesses = best_classes(first, labels, recipe.first_class if recipe else 0) if labels else []
    if arguments.json:
        from slim.report.documents import run_document

        print_json(run_document(outputs, steps, guesses))
        return 0
    from slim.report.results import guess_table, output_table, step_table

    terminal = console()
    terminal.print(output_table(outputs))
    if guesses:
        terminal.print("", guess_table(guesses), sep="\n")
    if steps:
        terminal.print("", step_table(steps), sep="\n")
    return 0
