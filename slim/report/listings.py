"""Tables of what slim knows: devices and their sources, operators."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.columns import Columns
from rich.table import Table

from slim.core.operators import Operator
from slim.devices import Device
from slim.report.units import bytes_text, seconds_text

LEAST = {"what": 110, "cores": 78, "GHz": 78, "off by": 62}
"""Console columns from which a column of the device table is shown; the others always are."""


def device_table(devices: Iterable[Device], width: int) -> Table:
    """One row for each device: what it is, its default budget, how far off a predicted latency may be. Narrow consoles
    lose columns, not the ends of figures."""
    rows = [_device_row(device) for device in devices]
    titles = [title for title in rows[0] if width >= LEAST.get(title, 0)] if rows else []
    table = _table()
    for title in titles:
        text = title in ("device", "what")
        style = "bold" if title == "device" else ""
        table.add_column(title, justify="left" if text else "right", no_wrap=title != "what", style=style)
    for row in rows:
        table.add_row(*(row[title] for title in titles))
    return table


def _device_row(device: Device) -> dict[str, str]:
    budget, fitted = device.budget, device.calibration
    return {
        "device": device.name,
        "what": device.title,
        "cores": str(device.cores),
        "GHz": f"{device.clock_hz / 1e9:.2f}".rstrip("0").rstrip("."),
        "latency": seconds_text(budget.max_latency_s) if budget.max_latency_s else "",
        "flash": bytes_text(budget.max_flash_bytes) if budget.max_flash_bytes else "",
        "RAM": bytes_text(budget.max_ram_bytes) if budget.max_ram_bytes else "",
        "off by": f"up to {fitted.held_out_factor:.1f}x" if fitted else "not calibrated",
    }


def source_table(device: Device) -> Table:
    """Where each figure of a profile comes from."""
    table = _table("figure", "source")
    for figure, source in sorted(device.sources.items()):
        table.add_row(figure, source)
    return table


def operator_table(operators: Iterable[Operator]) -> Table:
    """The core's operators and the vector kernels that they call."""
    table = _table("operator", "kernels")
    for operator in operators:
        table.add_row(operator.name, ", ".join(operator.kernels))
    return table


def names_in_columns(names: Sequence[str]) -> Columns:
    """As many columns of names as fit."""
    return Columns(names, column_first=True, padding=(0, 3))


def _table(*titles: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for index, title in enumerate(titles):
        table.add_column(title, no_wrap=index == 0, style="bold" if index == 0 else "")
    return table
