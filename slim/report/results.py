"""What running a model gave: outputs, best classes, time of each step, a benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from slim.estimate.measure import Measurement
from slim.report.labels import Guess
from slim.report.units import bytes_text, counted, seconds_text, shape_text, share_text

if TYPE_CHECKING:
    from pathlib import Path

    from slim.quantize.agreement import Agreement
    from slim.quantize.report import Report
    from slim.runtime import Session, StepTime

NAMED = 4
"""Nodes that are named for each reason to stay in float."""

Outputs = Mapping[str, np.ndarray[Any, np.dtype[Any]]]


def output_table(outputs: Outputs) -> Table:
    """Name, type, shape and range of each output."""
    table = _table("output", "type", "shape")
    for title in ("min", "mean", "max"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, array in outputs.items():
        values = np.asarray(array, dtype=np.float64)
        with np.errstate(invalid="ignore"):  # of infinities of both signs, the mean is no number
            figures = (values.min(), values.mean(), values.max()) if values.size else ()
        table.add_row(name, str(array.dtype), shape_text(array.shape), *(f"{figure:.4g}" for figure in figures))
    return table


def guess_table(guesses: Sequence[Guess]) -> Table:
    """The best classes, best first."""
    table = _table("class", "label")
    table.add_column("score", justify="right", no_wrap=True)
    for guess in guesses:
        table.add_row(str(guess.index), guess.label, f"{guess.score:.4g}")
    return table


def step_table(steps: Sequence[StepTime]) -> Table:
    """The median time of each step, in the order of the program."""
    total = sum(step.seconds for step in steps)
    table = _table("step", "operator")
    table.add_column("time", justify="right", no_wrap=True, footer=seconds_text(total))
    table.add_column("share", justify="right", no_wrap=True)
    table.show_footer = True
    for step in steps:
        table.add_row(step.name, step.operator, seconds_text(step.seconds), share_text(step.seconds, total))
    return table


def bench_table(session: Session, measured: Measurement, program_bytes: int) -> Table:
    """The figures of one benchmark."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    threads = f"{session.threads} thread{'s' if session.threads > 1 else ''}"
    median = f"{seconds_text(measured.median_s)} median of {measured.runs} runs, {threads}, {session.isa}"
    spread = f"{seconds_text(measured.fastest_s)} fastest, nine in ten under {seconds_text(measured.ninetieth_s)}"
    table.add_row("latency", median)
    table.add_row("", spread)
    table.add_row("arena", bytes_text(session.arena_bytes))
    table.add_row("program", bytes_text(program_bytes))
    return table


def compressed_text(report: Report, output: Path, size: int, samples: int, agreement: Agreement | None = None) -> Text:
    """What quantization did, where the model is, nodes in 8 bits, those in float by their reason, and the cost."""
    reasons: dict[str, list[str]] = {}
    for node, why in report.stayed_float.items():
        reasons.setdefault(why, []).append(node)
    rest = len(report.stayed_float)
    lines = [f"{counted(len(report.quantized), 'node')} in 8 bits, {rest} in float{':' if rest else ''}"]
    for why, nodes in reasons.items():
        named = ", ".join(nodes[:NAMED]) + (f" and {len(nodes) - NAMED} more" if len(nodes) > NAMED else "")
        lines.append(f"  {named}: {why}")
    lines += [f"  {note}" for note in report.notes]
    if agreement is not None:
        lines.append(agreement_line(agreement))
    lines.append(f"{output} has {bytes_text(size)}; calibrated on {counted(samples, 'sample')}")
    return Text("\n".join(lines))


def agreement_line(agreement: Agreement) -> str:
    """What 8 bits cost, in one sentence."""
    same = f"the largest output is the same on {agreement.same_largest:.1%} of {counted(agreement.samples, 'sample')}"
    if agreement.sqnr_db == float("inf"):
        return f"the outputs are those of the float model: {same}"
    return f"cost: outputs keep {agreement.sqnr_db:.1f} dB over their quantization noise, {same}"


def _table(*titles: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for index, title in enumerate(titles):
        table.add_column(title, overflow="ellipsis", style="bold" if index == 0 else "")
    return table
