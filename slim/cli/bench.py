"""`slim bench`: latency, memory and size of a model on this machine."""

from __future__ import annotations

import argparse

from slim.cli.options import count, program_or_model
from slim.cli.session import add_session, open_session, session_options

HELP = "latency, memory and size on this machine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_session(parser)
    parser.add_argument("--runs", metavar="N", type=count, default=50, help="timed runs (default 50)")
    parser.add_argument(
        "--profile", action="store_true", help="each layer's time, work, and share of what the machine could do"
    )


def main(arguments: argparse.Namespace) -> int:
    from slim import api
    from slim.cli.output import console, print_json
    from slim.estimate.measure import measure, random_feeds

    session = open_session(arguments)
    measured = measure(session, random_feeds(session.inputs), arguments.runs)
    layers = api.profile(program_or_model(arguments), **session_options(arguments)) if arguments.profile else []
    if arguments.json:
        from slim.report.documents import bench_document

        print_json(bench_document(session, measured, session.program_bytes, layers))
        return 0
    from slim.report.profile import profile_table
    from slim.report.results import bench_table

    terminal = console()
    terminal.print(bench_table(session, measured, session.program_bytes))
    if layers:
        terminal.print("", profile_table(layers), sep="\n")
    return 0
