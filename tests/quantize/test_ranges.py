"""Range math against brute force, and the histogram that it works on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from slim.quantize.histogram import MAX_BINS, Histogram
from slim.quantize.ranges import METHODS, QParams, choose, qparams, quantize_array

FLOATS = st.floats(-1e4, 1e4, width=32).map(lambda x: 0.0 if abs(x) < 1e-6 else x)
ARRAYS = hnp.arrays(np.float32, st.integers(1, 200), elements=FLOATS)


def loss(values: npt.NDArray[np.float32], params: QParams) -> float:
    back = (quantize_array(values, params).astype(np.float64) - params.zero_point) * params.scale
    return float(np.square(back - values).sum())


def histogram(*arrays: npt.NDArray[np.float32]) -> Histogram:
    result = Histogram()
    for array in arrays:
        result.add(array)
    return result


@given(ARRAYS)
def test_minmax_represents_every_value_within_a_step(values: npt.NDArray[np.float32]) -> None:
    params = choose(histogram(values), "minmax")
    back = (quantize_array(values, params).astype(np.float64) - params.zero_point) * params.scale
    assert np.abs(back - values).max() <= params.scale * 1.001 + 1e-9  # half a step, and half from the zero point


@given(ARRAYS, st.sampled_from(METHODS))
def test_zero_is_exact_under_every_method(values: npt.NDArray[np.float32], method: str) -> None:
    params = choose(histogram(values), method)
    assert 0 <= params.zero_point <= 255
    assert params.scale > 0
    assert quantize_array(np.zeros(1, np.float32), params)[0] == params.zero_point


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(1, 30), st.booleans())
def test_mse_is_close_to_the_best_of_a_brute_force_search(seed: int, outlier: float, positive: bool) -> None:
    values = np.random.default_rng(seed).normal(0, 1, 2000).astype(np.float32)
    values[0] = outlier
    values = np.maximum(values, 0) if positive else values
    low, high = float(values.min()), float(values.max())
    best = min(
        loss(values, qparams(low * f, high * g))
        for f in (np.linspace(0.05, 1, 20) if low < 0 else [1.0])
        for g in np.linspace(0.05, 1, 39)
    )
    assert loss(values, choose(histogram(values), "mse")) <= best * 1.05


def test_mse_clips_a_lone_outlier_that_minmax_keeps() -> None:
    values = np.append(np.random.default_rng(0).normal(0, 1, 1_000_000), 12.0).astype(np.float32)
    assert choose(histogram(values), "minmax").high > 11.9
    assert choose(histogram(values), "mse").high < 9  # clipping costs (12 - 9)^2 once, and rounds a million finer


def test_percentile_leaves_one_value_in_ten_thousand_outside() -> None:
    values = np.arange(1, 100_001, dtype=np.float32)
    assert choose(histogram(values), "percentile").high == pytest.approx(99_990, rel=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_a_tensor_of_zeros_gets_a_usable_scale(method: str) -> None:
    assert choose(histogram(np.zeros(5, np.float32)), method) == QParams(1.0, 0)


@pytest.mark.parametrize("method", METHODS)
def test_denormal_values_do_not_give_a_scale_of_zero(method: str) -> None:
    assert choose(histogram(np.full(5, 1e-42, np.float32)), method).scale >= 2.0**-100


@given(st.lists(ARRAYS, min_size=1, max_size=4))
def test_histogram_counts_every_value_in_bounded_memory(arrays: list[npt.NDArray[np.float32]]) -> None:
    found, everything = histogram(*arrays), np.concatenate(arrays)
    assert found.counts.sum() == np.count_nonzero(everything)
    assert found.zeros == (everything == 0).sum()
    assert (found.minimum, found.maximum) == (everything.min(), everything.max())
    assert len(found.counts) <= MAX_BINS


@given(ARRAYS)
def test_histogram_points_are_within_a_bin_of_the_values(values: npt.NDArray[np.float32]) -> None:
    found = histogram(values)
    points, weights = found.points()
    nonzero = np.sort(values[values != 0]).astype(np.float64)
    assert np.abs(np.repeat(points, weights.astype(int)) - nonzero).max(initial=0) <= found.width * 1.001
