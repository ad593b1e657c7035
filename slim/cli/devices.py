"""`slim devices`: list the device profiles, with their default budgets and how well latency is known."""

from __future__ import annotations

import argparse

HELP = "list the devices that slim knows"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sources", metavar="D", help="print where each figure of one device comes from")


def main(arguments: argparse.Namespace) -> int:
    from slim.cli.output import console, print_json
    from slim.devices import list_devices, load_device

    found = [load_device(name) for name in ([arguments.sources] if arguments.sources else list_devices())]
    if arguments.json:
        from slim.report.documents import device_part, envelope

        print_json(envelope("devices", devices=[device_part(device) for device in found]))
        return 0
    from slim.report.listings import device_table, source_table

    terminal = console()
    terminal.print(source_table(found[0]) if arguments.sources else device_table(found, terminal.width))
    return 0
