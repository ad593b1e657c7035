"""The chart of a results file: each engine's time beside the best peer's, one panel a precision and number of threads.

    python -m benchmarks.chart RESULTS.json... OUT.png

Runs in the environment `chart`, which has matplotlib and not slim.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from benchmarks.figures import Comparison, compare, is_right, latency
from benchmarks.results import load

COLOURS = {
    "slim": "#c8102e",
    "onnxruntime": "#5b6770",
    "openvino": "#3b82c4",
    "ncnn": "#7fb069",
    "mnn": "#e6aa3c",
    "litert": "#8e6bb0",
}
TALLEST = 2.5  # slower engines are cut here and labelled


def draw(paths: list[Path], out: Path) -> None:
    """Write the PNG."""
    results = load(paths)
    comparisons = [c for c in compare(results.records, results.peak) if c.best is not None]
    panels = list(dict.fromkeys((c.slim.precision, c.slim.threads) for c in comparisons))
    figure, axes = plt.subplots(max(1, len(panels)), 1, figsize=(13, 3.2 * max(1, len(panels))), squeeze=False)
    for axis, (precision, threads) in zip(axes[:, 0], panels, strict=False):
        _panel(axis, [c for c in comparisons if (c.slim.precision, c.slim.threads) == (precision, threads)])
        axis.set_title(f"{precision}, {threads} thread{'s' * (threads > 1)}", loc="left", fontsize=10)
    axes[0, 0].legend(ncols=6, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1.0), frameon=False)
    figure.suptitle(
        f"Time of a run, best peer = 1, lower is faster ({results.machine['processor']}, {results.date[:10]})"
    )
    figure.tight_layout()
    figure.savefig(out, dpi=110)


def _panel(axis: plt.Axes, group: list[Comparison]) -> None:
    """Bars of each network; engines that are wrong or did not run have none."""
    width = 0.8 / len(COLOURS)
    for place, (engine, colour) in enumerate(COLOURS.items()):
        spots, heights = [], []
        for index, item in enumerate(group):
            record = next((r for r in (item.slim, *item.peers) if r.engine == engine), None)
            if record is None or not is_right(record) or item.best is None:
                continue
            spots.append(index + (place - (len(COLOURS) - 1) / 2) * width)
            heights.append(latency(record) / latency(item.best))
        axis.bar(spots, [min(h, TALLEST) for h in heights], width, color=colour, label=engine)
        for spot, height in zip(spots, heights, strict=True):
            if height > TALLEST:
                axis.text(spot, TALLEST, f"{height:.1f}", ha="center", va="bottom", fontsize=6)
    axis.axhline(1, color="black", linewidth=0.6)
    axis.set_xticks(range(len(group)), [item.slim.network for item in group], rotation=15, fontsize=8)
    axis.set_ylim(0, TALLEST * 1.08)
    axis.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    draw([Path(argument) for argument in sys.argv[1:-1]], Path(sys.argv[-1]))
