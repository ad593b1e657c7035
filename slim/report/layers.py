"""The table of layers: a row for each, and the totals."""

from __future__ import annotations

from dataclasses import dataclass

from rich import box
from rich.console import JustifyMethod
from rich.table import Table

from slim.estimate import Estimate, Layer
from slim.report.units import bytes_text, count_text, seconds_text, shape_text, share_text

GAP = 3  # padding on both sides of the box's rule
HEAVY = 0.1
"""Share of the time from which a layer's row is marked."""


@dataclass(frozen=True)
class _Column:
    title: str
    cells: list[str]
    footer: str = ""
    right: bool = True
    least: int = 0  # console columns from which it is shown

    @property
    def width(self) -> int:
        return max(map(len, [self.title, self.footer, *self.cells]))


def layer_table(estimate: Estimate, width: int) -> Table:
    """One row for each layer with its operators, output, MACs, bytes and share of the predicted time.

    Narrow consoles lose columns first, then the middle of long names."""
    columns = [column for column in _columns(estimate) if width >= column.least]
    for title, least in (("operators", 12), ("layer", 14)):
        index = next(i for i, column in enumerate(columns) if column.title == title)
        taken = sum(column.width + GAP for i, column in enumerate(columns) if i != index)
        columns[index] = _shortened(columns[index], max(least, width - taken - GAP))
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1), show_footer=True)
    for column in columns:
        justify: JustifyMethod = "right" if column.right else "left"
        table.add_column(column.title, column.footer, justify=justify, no_wrap=True, min_width=column.width)
    rows = zip(*(column.cells for column in columns), strict=True)
    for row, seconds in zip(rows, estimate.layer_seconds, strict=True):
        table.add_row(*row, style="yellow" if seconds > HEAVY * estimate.latency_s else "")
    return table


def _columns(estimate: Estimate) -> list[_Column]:
    layers, seconds = estimate.layers, estimate.layer_seconds
    total = estimate.latency_s
    return [
        _Column("#", [str(number) for number in range(1, len(layers) + 1)]),
        _Column("layer", [layer.name for layer in layers], "total", right=False),
        _Column("operators", [_operators(layer) for layer in layers], right=False),
        _Column("output", [_outputs(layer) for layer in layers], right=False, least=96),
        _Column("MACs", [count_text(layer.macs) if layer.macs else "" for layer in layers], count_text(estimate.macs)),
        _Column("weights", [_bytes(one.weight_bytes) for one in layers], bytes_text(estimate.weight_bytes), least=76),
        _Column("in + out", ["" if layer.free else _bytes(layer.activation_bytes) for layer in layers], least=86),
        _Column("time", [seconds_text(spent) if spent else "" for spent in seconds], seconds_text(total)),
        _Column("share", [share_text(spent, total) if spent else "" for spent in seconds], least=64),
    ]


def _bytes(size: int) -> str:
    return bytes_text(size) if size else ""


def _outputs(layer: Layer) -> str:
    return ", ".join(shape_text(output.shape) for output in layer.outputs)


def _operators(layer: Layer) -> str:
    return "+".join(layer.operators) + (" int8" if layer.integer else "")


def _shortened(column: _Column, width: int) -> _Column:
    """Long cells keep both ends: the start says where, the end says which."""

    def cut(cell: str) -> str:
        if len(cell) <= width:
            return cell
        tail = (width - 2) // 2
        return f"{cell[: width - 2 - tail]}..{cell[-tail:]}"

    return _Column(column.title, [cut(cell) for cell in column.cells], column.footer, column.right, column.least)
