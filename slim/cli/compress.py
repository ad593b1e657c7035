"""`slim compress`: shrink a model to a device's budget. Exit code 1: the budget was not reached."""

from __future__ import annotations

import argparse
from dataclasses import replace

from slim.cli.options import add_budget, add_data, add_device, add_model, add_output, budget_of, load_model, samples_of

HELP = "shrink the model to the device's budget"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_device(parser)
    add_data(parser)
    add_output(parser)
    add_budget(parser)


def main(arguments: argparse.Namespace) -> int:
    from slim import api
    from slim.cli.output import console, print_json, write_model
    from slim.cli.progress import Progress
    from slim.devices import load_device

    device = load_device(arguments.device)
    budget = budget_of(arguments)
    model = load_model(arguments)
    samples = samples_of(arguments, model)
    result = api.compress(model, device, Progress(samples, "calibrating"), budget=budget, threads=arguments.threads)
    size = write_model(result.model, arguments.output)
    estimate = replace(result.estimate, model_name=arguments.output.name)
    if arguments.json:
        from slim.report.documents import compress_document

        print_json(compress_document(result, estimate, str(arguments.output), size))
    else:
        from slim.report.results import compressed_text
        from slim.report.terminal import verdict_text

        terminal = console()
        terminal.print(verdict_text(result.verdict, estimate, device, terminal))
        text = compressed_text(result.report, arguments.output, size, len(samples), result.agreement)
        terminal.print("", text, sep="\n")
    return 0 if result.verdict.fits else 1
