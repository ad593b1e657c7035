"""What records mean: medians, ratios to the best peer, shares of peak, agreement of outputs. Pure arithmetic.

Records come from `measure` or from a results file, figures go to `report` and `chart`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from benchmarks.measure import Record
    from slim.runtime.peak import Peak

IDENTICAL_DB = 200.0  # stands for no difference at all, which has no logarithm
FP32_FLOOR_DB = 60.0
INT8_FLOOR_DB = 10.0
INT8_FLOORS_DB = {"transformer-encoder": 30.0}
"""An engine below these is fast at computing something else, and is no peer to compare with."""


def snr_db(reference: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]) -> float:
    """10*log10(signal power / error power) over all outputs together, which are matched by name, else by order.

    -inf becomes -200 dB: outputs of another size or with NaN are no answer."""
    import numpy as np

    if len(reference) != len(outputs):
        return -IDENTICAL_DB
    if set(reference) == set(outputs):
        pairs = [(reference[name], outputs[name]) for name in reference]
    else:
        pairs = list(zip(reference.values(), outputs.values(), strict=True))
    if any(a.size != b.size for a, b in pairs):
        return -IDENTICAL_DB
    wanted = np.concatenate([a.ravel().astype(np.float64) for a, _ in pairs])
    error = np.concatenate([b.ravel().astype(np.float64) for _, b in pairs]) - wanted
    noise, signal = float(error @ error), float(wanted @ wanted)
    if not math.isfinite(noise) or signal == 0:
        return -IDENTICAL_DB
    if noise == 0:
        return IDENTICAL_DB
    return max(-IDENTICAL_DB, min(IDENTICAL_DB, 10 * math.log10(signal / noise)))


def floor_db(network: str, precision: str) -> float:
    """The agreement with fp32 onnxruntime that a peer needs to count."""
    return FP32_FLOOR_DB if precision == "fp32" else INT8_FLOORS_DB.get(network, INT8_FLOOR_DB)


def is_right(record: Record) -> bool:
    """Whether it ran, and its outputs agree well enough."""
    if record.problem or not record.invoke or record.snr_db is None:
        return False
    return record.snr_db >= floor_db(record.network, record.precision)


def latency(record: Record) -> float:
    """Seconds of a run: the median of the rounds' medians."""
    return statistics.median(record.invoke)


@dataclass(frozen=True)
class Comparison:
    """slim against the best peer on one network. `ratio` below 1 is slim being faster.

    The ratio is the median over the rounds of the two engines' ratio in the same round, so that a slow drift of the
    clock cancels out. `of_peak` counts direct convolution's operations, so Winograd can exceed 1."""

    slim: Record
    best: Record | None
    peers: tuple[Record, ...]  # the others, wrong and failed ones included
    ratio: float | None
    of_peak: float | None


def compare(records: Iterable[Record], peak: Peak) -> list[Comparison]:
    """One comparison for each network, precision and number of threads on which slim was measured."""
    groups: dict[tuple[str, int, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.precision, record.threads, record.network), []).append(record)
    found = []
    for group in groups.values():
        slim = next((record for record in group if record.engine == "slim"), None)
        if slim is None:
            continue
        peers = tuple(record for record in group if record is not slim)
        best = min((record for record in peers if is_right(record)), key=latency, default=None)
        ran = bool(slim.invoke) and not slim.problem
        ratio = paired_ratio(slim.invoke, best.invoke) if best is not None and ran else None
        found.append(Comparison(slim, best, peers, ratio, share_of_peak(slim, peak)))
    return found


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=False))


def share_of_peak(record: Record, peak: Peak) -> float | None:
    """Operations a second by what its cores could do; None where either is not known."""
    rate = peak.of(record.precision)
    if not record.invoke or record.problem or rate is None:
        return None
    return 2 * record.macs / latency(record) / (rate * 1e9 * record.threads)


def geometric_mean(values: Iterable[float]) -> float | None:
    """None of nothing."""
    logs = [math.log(value) for value in values]
    return math.exp(statistics.fmean(logs)) if logs else None
