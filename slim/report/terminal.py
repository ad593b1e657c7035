"""The verdict on a terminal: one line that a person reads first, then the figures behind it.

Colours and bars adapt to the console: none on a pipe, ASCII where the encoding is not UTF-8, fewer columns where it is
narrow.
"""

from __future__ import annotations

from collections import defaultdict

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from slim.devices import Device
from slim.estimate import Check, Estimate, Verdict
from slim.report.layers import layer_table
from slim.report.units import bytes_text, count_text, seconds_text, share_text

BAR_CELLS = 20
NARROW = 72
"""Columns under which the bars are left out."""


def verdict_text(verdict: Verdict, estimate: Estimate, device: Device, console: Console, layers: bool = False) -> Group:
    """Everything that `slim check` prints; with `layers`, a row for each layer between the two."""
    parts: list[RenderableType] = [_headline(verdict, estimate, device), Text()]
    if layers:
        parts += [layer_table(estimate, console.width), Text()]
    parts.append(_checks(verdict, console))
    parts += [Text(), _figures(estimate)]
    if verdict.unsupported:
        parts += [Text(), Text("The core cannot run:", style="bold red")]
        parts += [_hanging("-", str(problem)) for problem in verdict.unsupported]
    if verdict.notes:
        parts.append(Text())
        parts += [_hanging("*", note, "dim") for note in verdict.notes]
    return Group(*parts)


def _headline(verdict: Verdict, estimate: Estimate, device: Device) -> Text:
    """FITS or DOES NOT FIT, the model, the device, and the figures, or every reason against."""
    reasons = [f"{c.name} {_value(c, c.value)} is over {_value(c, c.limit)}" for c in verdict.checks if not c.ok]
    if verdict.unsupported:
        reasons.append("the core cannot run it")
    if verdict.fits:
        reasons = [f"{c.name} {_value(c, c.value)}" for c in verdict.checks]
    words, color = ("FITS", "green") if verdict.fits else ("DOES NOT FIT", "red")
    mark = Text(f" {words} ", style=f"bold white on {color}")
    model, board = (estimate.model_name, "bold"), (device.title, "bold")
    return Text.assemble(mark, " ", model, " on ", board, ": ", ", ".join(reasons))


def _value(check: Check, value: float | None) -> str:
    if value is None:
        return "no limit"
    return seconds_text(value) if check.name == "latency" else bytes_text(value)


def _checks(verdict: Verdict, console: Console) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    wide = console.width >= NARROW
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="bold")
    if wide:
        table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    for check in verdict.checks:
        word = Text("ok", style="green") if check.ok else Text("over", style="bold red")
        share = share_text(check.value, check.limit) if check.limit else ""
        of = f"{share} of {_value(check, check.limit)}" if check.limit else "no limit"
        cells: list[RenderableType] = [check.name, _value(check, check.value)]
        if wide:
            cells.append(_bar(check, console))
        table.add_row(*cells, word, of)
    return table


def _bar(check: Check, console: Console) -> Text:
    full, rest = ("\N{BOX DRAWINGS HEAVY HORIZONTAL}",) * 2 if console.encoding.startswith("utf") else ("#", ".")
    filled = BAR_CELLS if not check.limit else min(BAR_CELLS, max(1, round(BAR_CELLS * check.value / check.limit)))
    if not check.limit:
        filled = 0
    if not console.is_terminal:
        rest = " " if full != "#" else rest
    return Text.assemble((full * filled, "green" if check.ok else "red"), (rest * (BAR_CELLS - filled), "bright_black"))


def _figures(estimate: Estimate) -> Table:
    """Named figures, and what RAM, flash and time are made of."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column()
    macs = count_text(estimate.macs)
    if estimate.integer_macs:
        macs += f" ({share_text(estimate.integer_macs, estimate.macs)} in 8 bits)"
    table.add_row("MACs", macs)
    table.add_row("FLOPs", count_text(estimate.flops))
    table.add_row("parameters", f"{count_text(estimate.parameters)} in {bytes_text(estimate.weight_bytes)}")
    table.add_row("latency", _latency(estimate))
    table.add_row("time goes to", _kinds(estimate))
    table.add_row("RAM is", _sum(estimate.ram))
    table.add_row("flash is", _sum(estimate.flash))
    return table


def _latency(estimate: Estimate) -> str:
    def with_threads(seconds: float, count: int) -> str:
        return f"{seconds_text(seconds)} with {count} thread{'s' if count > 1 else ''}"

    text = with_threads(estimate.latency_s, estimate.threads)
    return text if estimate.threads == 1 else f"{text}, {with_threads(estimate.single_thread_s, 1)}"


def _kinds(estimate: Estimate) -> str:
    seconds: dict[str, float] = defaultdict(float)
    for layer, spent in zip(estimate.layers, estimate.layer_seconds, strict=True):
        seconds[str(layer.kind)] += spent
    ranked = sorted(seconds.items(), key=lambda item: -item[1])
    shares = [(kind, share_text(spent, estimate.latency_s)) for kind, spent in ranked]
    return ", ".join(f"{kind} {share}" for kind, share in shares if share not in ("", "0 %", "<1 %"))


def _sum(parts: object) -> str:
    assert isinstance(parts, dict)
    return " + ".join(f"{name} {bytes_text(size)}" for name, size in parts.items())


def _hanging(mark: str, text: str, style: str = "") -> Padding:
    grid = Table.grid(padding=(0, 1))
    grid.add_row(mark, Text(text, style=style))
    return Padding(grid, (0, 0, 0, 1))
