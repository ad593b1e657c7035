"""`slim bench`: latency, memory and size of a model on this machine."""

from __future__ import annotations

import argparse

from slim.cli.options import count
from slim.cli.session import add_session, open_session

HELP = "latency, memory and size on this machine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_session(parser)
    parser.add_argument("--runs", metavar="N", type=count, default=50, help="timed runs (default 50)")


def main(arguments: argparse.Namespace) -> int:
    from slim.cli.output import console, print_json
    from slim.estimate.measure import measure, random_feeds

    session = open_session(arguments)
    measured = measure(session, random_feeds(session.inputs), arguments.runs)
    if arguments.json:
        from slim.report.documents import bench_document

        print_json(bench_document(session, measured, session.program_bytes))
        return 0
    from slim.report.results import bench_table

    console().print(bench_table(session, measured, session.program_bytes))
    return 0
