"""`slim quantize`: 8-bit integers, calibrated on samples; writes standard QDQ ONNX."""

from __future__ import annotations

import argparse

from slim.cli.options import add_data, add_model, add_output, load_model, samples_of

HELP = "weights and activations to 8 bits"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_data(parser)
    add_output(parser)
    parser.add_argument("--method", choices=("mse", "minmax", "percentile"), default="mse", help="how to choose ranges")
    parser.add_argument(
        "--keep-float", metavar="NODE", action="append", default=[], help="a node that stays in float; may be repeated"
    )


def main(arguments: argparse.Namespace) -> int:
    from slim import api
    from slim.cli.output import console, print_json, write_model
    from slim.cli.progress import Progress

    model = load_model(arguments)
    samples = samples_of(arguments, model)
    model, report = api.quantize(
        model, Progress(samples, "calibrating"), method=arguments.method, keep_float=arguments.keep_float
    )
    size = write_model(model, arguments.output)
    if arguments.json:
        from slim.report.documents import envelope, quantization_part

        print_json(envelope("quantize", output=str(arguments.output), output_bytes=size, **quantization_part(report)))
        return 0
    from slim.report.results import compressed_text

    console().print(compressed_text(report, arguments.output, size, len(samples)))
    return 0
