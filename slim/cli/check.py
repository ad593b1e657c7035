"""`slim check`: does the model fit the device? Exit code 0 fits, 1 does not, 2 bad input."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from slim.cli.options import add_budget, add_device, add_model, budget_of, load_model

HELP = "does the model fit the device?"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_device(parser)
    add_budget(parser)
    parser.add_argument("--layers", action="store_true", help="print a row for each layer")


def main(arguments: argparse.Namespace) -> int:
    from slim import api
    from slim.devices import load_device

    device = load_device(arguments.device)
    budget = budget_of(arguments)
    estimate = api.estimate(load_model(arguments), device, threads=arguments.threads)
    estimate = replace(estimate, model_name=Path(arguments.model).name)
    verdict = api.check(estimate, device, budget)
    if arguments.json:
        from slim.cli.output import print_json
        from slim.report.documents import check_document

        print_json(check_document(verdict, estimate))
    else:
        from slim.cli.output import console
        from slim.report.terminal import verdict_text

        terminal = console()
        terminal.print(verdict_text(verdict, estimate, device, terminal, arguments.layers))
    return 0 if verdict.fits else 1
