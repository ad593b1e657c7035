"""A measured run layer by layer, beside what the machine could do."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from slim.estimate.profile import LayerTime
from slim.report.units import count_text, seconds_text, share_text

FIGURES = ("time", "share", "MACs", "GFLOP/s", "of peak", "GB/s", "of bound")


def profile_table(layers: Sequence[LayerTime]) -> Table:
    """Time, share of the whole, MACs, speed, and how near to its bound each step is, in the order of the program."""
    total = sum(layer.seconds for layer in layers)
    macs = sum(layer.macs for layer in layers)
    known = any(layer.bound_s for layer in layers)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, show_footer=True)
    table.add_column("step", overflow="ellipsis", style="bold", footer=f"{len(layers)} steps")
    table.add_column("operator", overflow="ellipsis")
    footers = (seconds_text(total), "", count_text(macs), f"{2e-9 * macs / total:.1f}" if macs else "")
    for title, footer in zip(FIGURES if known else FIGURES[:2], (*footers, "", "", ""), strict=False):
        table.add_column(title, justify="right", no_wrap=True, footer=footer)
    for layer in layers:
        row = [seconds_text(layer.seconds), share_text(layer.seconds, total)]
        if known:
            row += _work(layer)
        table.add_row(layer.name, layer.operator, *row)
    if known:
        table.caption = (
            "peak: multiply-adds in registers, measured just now; above 100 % where a layer does fewer (Winograd)."
            "\nbound: arithmetic at the peak, or moving the bytes (b), whichever takes longer."
        )
        table.caption_justify = "left"
    return table


def _work(layer: LayerTime) -> list[str]:
    speed = [count_text(layer.macs), f"{layer.gflops:.1f}"] if layer.macs else ["", ""]
    peak = f"{layer.of_peak:.0%}" if layer.of_peak is not None else ""
    if not layer.bound_s:
        return [*speed, peak, "", ""]
    kind = " b" if layer.memory_bound else "  "
    return [*speed, peak, f"{layer.gb_s:.1f}", f"{layer.bound_s / layer.seconds:.0%}{kind}"]
