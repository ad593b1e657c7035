"""Comparisons, with expected values computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.figures import IDENTICAL_DB, compare, geometric_mean, is_right, paired_ratio, share_of_peak, snr_db
from tests.benchmarks.records import PEAK, record


def test_snr_is_signal_power_over_error_power() -> None:
    # signal 3^2 + 4^2 = 25, error 0.5^2 = 0.25: a hundred times
    wanted = {"y": np.array([3.0, 4.0], np.float32)}
    assert snr_db(wanted, {"y": np.array([3.5, 4.0], np.float32)}) == pytest.approx(20.0)


def test_outputs_are_matched_by_name_and_by_order_where_names_differ() -> None:
    wanted = {"a": np.array([1.0]), "b": np.array([2.0])}
    assert snr_db(wanted, {"b": np.array([2.0]), "a": np.array([1.0])}) == IDENTICAL_DB
    assert snr_db(wanted, {"0": np.array([1.0]), "1": np.array([2.0])}) == IDENTICAL_DB
    assert snr_db(wanted, {"0": np.array([2.0]), "1": np.array([1.0])}) < 10


@pytest.mark.parametrize("bad", [{"y": np.array([1.0])}, {"y": np.array([1.0, math.nan])}, {}])
def test_outputs_of_another_size_or_with_nan_are_no_answer(bad: dict[str, np.ndarray]) -> None:
    assert snr_db({"y": np.array([1.0, 2.0])}, bad) == -IDENTICAL_DB


def test_ratio_pairs_the_rounds_so_that_a_slow_clock_cancels_out() -> None:
    # every engine takes twice as long in the second round; medians of all would hide nothing, pairs show 0.5 in each
    assert paired_ratio([1.0, 2.0, 1.0], [2.0, 4.0, 2.0]) == 0.5


def test_the_best_peer_is_the_fastest_that_is_right() -> None:
    slim = record("slim", [2.0, 2.0])
    wrong = record("ncnn", [0.5, 0.5], snr_db=59.0)
    failed = record("mnn", [0.4, 0.4], problem="died")
    slow, fast = record("litert", [5.0, 5.0]), record("openvino", [4.0, 4.0])
    (comparison,) = compare([wrong, slow, slim, failed, fast], PEAK)
    assert comparison.best is fast
    assert comparison.ratio == pytest.approx(0.5)


def test_networks_precisions_and_threads_are_compared_apart() -> None:
    records = [
        record("slim", [1.0], threads=1),
        record("openvino", [2.0], threads=1),
        record("slim", [1.0], threads=2),
        record("openvino", [1.0], threads=2),
        record("slim", [1.0], precision="int8"),
    ]
    assert [c.ratio for c in compare(records, PEAK)] == [pytest.approx(0.5), pytest.approx(1.0), None]


def test_int8_needs_10_db_and_the_transformer_30() -> None:
    assert is_right(record("openvino", [1.0], precision="int8", snr_db=11.0))
    assert not is_right(record("openvino", [1.0], precision="int8", snr_db=9.0))
    assert not is_right(record("openvino", [1.0], precision="int8", snr_db=29.0, network="transformer-encoder"))


def test_share_of_peak_counts_two_operations_a_mac_on_every_core() -> None:
    # 2 * 1e6 operations in 0.1 ms are 20 GFLOP/s, of 100 a core
    assert share_of_peak(record("slim", [0.1]), PEAK) == pytest.approx(0.2)
    assert share_of_peak(record("slim", [0.1], threads=2), PEAK) == pytest.approx(0.1)
    assert share_of_peak(record("slim", [0.1], precision="int8"), PEAK) == pytest.approx(0.05)


def test_geometric_mean() -> None:
    assert geometric_mean([0.5, 2.0]) == pytest.approx(1.0)
    assert geometric_mean([]) is None
