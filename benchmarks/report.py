"""Results as Markdown tables: the comparison, every engine's latency, and start, memory and disk."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.figures import Comparison, compare, geometric_mean, is_right, latency
from benchmarks.measure import Record
from benchmarks.results import Results


def markdown(results: Results) -> str:
    """The whole report."""
    comparisons = compare(results.records, results.peak)
    parts = [_head(results)]
    for precision, threads in dict.fromkeys((c.slim.precision, c.slim.threads) for c in comparisons):
        group = [c for c in comparisons if (c.slim.precision, c.slim.threads) == (precision, threads)]
        title = f"{precision}, {threads} thread{'s' * (threads > 1)}"
        parts += [f"### {title}", _comparison(group), _latencies(group), f"#### Start and size, {title}", _costs(group)]
        parts += [problems] if (problems := _problems(group)) else []
    return "\n\n".join(parts) + "\n"


def _head(results: Results) -> str:
    machine, peak = results.machine, results.peak
    versions = dict.fromkeys(f"{record.engine} {record.version}" for record in results.records)
    reads = ", ".join(f"{level.upper()} {value:.0f}" for level, value in peak.read_gb_s.items())
    fp32, int8 = _number(peak.fp32_gflops, ".0f"), _number(peak.int8_gops, ".0f")
    return (
        f"{results.date[:10]}, {machine['processor']}, {machine['cores']} cores, "
        f"load average {machine['load_average']}. Peak of a core: {fp32} GFLOP/s fp32, {int8} GOP/s int8; "
        f"reads in GB/s: {reads}.\n\n{', '.join(versions)}."
    )


def _comparison(group: Sequence[Comparison]) -> str:
    rows = []
    for item in group:
        best = item.best
        rows.append(
            (
                item.slim.network,
                _ms(item.slim),
                f"{_ms(best)} {best.engine}" if best else "-",
                _number(item.ratio, ".2f"),
                _number(item.of_peak, ".0%"),
                _number(item.slim.snr_db, ".0f"),
                _number(best.snr_db if best else None, ".0f"),
            )
        )
    mean = geometric_mean(item.ratio for item in group if item.ratio is not None)
    rows.append(("geometric mean", "", "", _number(mean, ".2f"), "", "", ""))
    return _table(("network", "slim ms", "best peer ms", "ratio", "of peak", "SNR dB", "peer's SNR dB"), rows)


def _latencies(group: Sequence[Comparison]) -> str:
    """Every engine; in brackets one whose outputs do not agree."""
    engines = list(dict.fromkeys(peer.engine for item in group for peer in item.peers))
    rows = []
    for item in group:
        by_name = {peer.engine: peer for peer in item.peers}
        cells = [_ms(by_name[name]) if name in by_name else "-" for name in engines]
        rows.append((item.slim.network, _ms(item.slim), *cells))
    return _table(("ms", "slim", *engines), rows)


def _costs(group: Sequence[Comparison]) -> str:
    """Load and first run, the call from Python, memory beyond the weights, model and library on disk."""
    rows = []
    for item in group:
        for record in (item.slim, *item.peers):
            if record.problem or not record.load_s:
                continue
            rows.append(
                (
                    record.network,
                    record.engine,
                    f"{1e3 * statistics.median(record.import_s):.0f}",
                    f"{1e3 * statistics.median(record.load_s):.1f}",
                    f"{1e3 * statistics.median(record.first_s):.2f}",
                    f"{1e3 * statistics.median(record.call):.3g}" if record.call else "-",
                    f"{(record.peak_bytes - record.baseline_bytes) / 2**20:.1f}",
                    f"{(record.peak_bytes - record.baseline_bytes - record.model_bytes) / 2**20:.1f}",
                    f"{record.model_bytes / 2**20:.2f}",
                    f"{record.library_bytes / 2**20:.1f}",
                )
            )
    times = ("import ms", "load ms", "first run ms", "Python call ms")
    sizes = ("peak MiB", "beyond the model MiB", "model MiB", "library MiB")
    return _table(("network", "engine", *times, *sizes), rows)


def _problems(group: Sequence[Comparison]) -> str:
    """Who did not run, once for each reason."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for item in group:
        for record in (item.slim, *item.peers):
            if record.problem:
                reasons.setdefault((record.engine, record.problem.splitlines()[0]), []).append(record.network)
    return "\n".join(f"- {engine} on {', '.join(names)}: {why}" for (engine, why), names in reasons.items())


def _ms(record: Record) -> str:
    if record.problem or not record.invoke:
        return "-"
    text = f"{1e3 * latency(record):.3g}"
    return text if is_right(record) else f"({text})"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [" | ".join(head), " | ".join(["---"] + ["---:"] * (len(head) - 1))]
    return "\n".join(f"| {line} |" for line in (*lines, *(" | ".join(row) for row in rows)))
