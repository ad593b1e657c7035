"""Weights in integers: scales, rounding with regard to the inputs, bias correction, im2col columns."""

from __future__ import annotations

import numpy as np
import pytest

from slim.quantize.patches import columns
from slim.quantize.rounding import Moments, bias_shift, round_rows
from slim.quantize.weights import channel_scales, quantize_bias, quantize_rows, scales_for_bias
from tests.quantize.nets import build, run


def test_weights_on_an_integer_grid_are_kept_exactly() -> None:
    integers = np.random.default_rng(0).integers(-126, 127, (4, 30)).astype(np.float32)
    integers[:, 0] = 127
    rows = integers * np.float32([[0.01], [0.5], [3.0], [1e-4]])
    assert np.array_equal(quantize_rows(rows, channel_scales(rows)), integers.astype(np.int8))


def test_scale_search_never_loses_more_than_the_largest_weight_rule() -> None:
    rows = np.random.default_rng(1).standard_t(3, (16, 200)).astype(np.float32)

    def loss(scales: np.ndarray) -> np.ndarray:
        return np.square(quantize_rows(rows, scales, bits=4) * scales[:, None] - rows).sum(axis=1)

    plain = (np.abs(rows).max(axis=1) / 7).astype(np.float32)
    assert (loss(channel_scales(rows, bits=4)) <= loss(plain) * 1.0001).all()
    assert loss(channel_scales(rows, bits=4)).sum() < loss(plain).sum()


def test_a_large_bias_on_a_channel_without_weights_fits_in_32_bits() -> None:
    scales = channel_scales(np.array([[1e-9, 0], [0, 0]], np.float32))
    bias = np.array([1e3, -1e6], np.float32)
    scales = scales_for_bias(scales, bias, 1e-3)
    units = quantize_bias(bias, scales, 1e-3)
    assert units * (np.float32(1e-3) * scales).astype(np.float64) == pytest.approx(bias, rel=1e-3)


def correlated(groups: int, inputs: int) -> np.ndarray:
    random = np.random.default_rng(2)
    mix = random.normal(0, 1, (groups, inputs, inputs // 2))
    source = random.normal(0.5, 1, (groups, inputs // 2, 500))
    return (mix @ source + random.normal(0, 0.05, (groups, inputs, 500))).astype(np.float32)


@pytest.mark.parametrize(("groups", "outputs", "inputs"), [(1, 8, 40), (6, 1, 9), (2, 4, 12)])
def test_rounding_with_moments_beats_rounding_to_nearest_on_correlated_inputs(
    groups: int, outputs: int, inputs: int
) -> None:
    x = correlated(groups, inputs)
    moments = Moments.zeros(groups, inputs)
    moments.add(x, x)
    rows = np.random.default_rng(3).normal(0, 1, (groups * outputs, inputs)).astype(np.float32)
    scales = channel_scales(rows, bits=4)

    def noise(integers: np.ndarray) -> float:
        error = (integers * scales[:, None] - rows).reshape(groups, outputs, inputs)
        return float((error @ x).var(axis=2).sum())

    assert noise(round_rows(rows, scales, moments, bits=4)) < 0.6 * noise(quantize_rows(rows, scales, bits=4))


def test_bias_shift_restores_the_mean_output() -> None:
    x = np.abs(correlated(1, 10))
    q = np.round(x * 2) / 2
    moments = Moments.zeros(1, 10)
    moments.add(x, q)
    rows = np.random.default_rng(4).normal(0, 1, (3, 10)).astype(np.float32)
    coarse = np.round(rows)
    shift = bias_shift(rows, coarse.astype(np.float64), moments)
    assert (coarse @ q[0]).mean(axis=1) + shift == pytest.approx((rows @ x[0]).mean(axis=1), rel=1e-4)


def test_inputs_that_never_vary_do_not_break_the_solver() -> None:
    moments = Moments.zeros(1, 4)
    moments.add(np.ones((1, 4, 20), np.float32), np.ones((1, 4, 20), np.float32))
    rows = np.array([[1.0, -2.0, 0.5, 0.25]], np.float32)
    scales = channel_scales(rows)
    assert np.array_equal(round_rows(rows, scales, moments, 8), quantize_rows(rows, scales))


CONVOLUTIONS = {
    "plain": ((2, 4, 9, 8), (6, 4, 3, 3), {"pads": [1, 0, 2, 1]}),
    "strided": ((1, 4, 9, 8), (6, 4, 3, 2), {"strides": [2, 3]}),
    "dilated": ((1, 4, 12, 11), (6, 4, 3, 3), {"dilations": [2, 3]}),
    "grouped": ((1, 4, 9, 8), (6, 2, 3, 3), {"group": 2}),
    "depthwise": ((1, 4, 9, 8), (4, 1, 3, 3), {"group": 4, "pads": [1, 1, 1, 1]}),
    "same upper": ((1, 4, 9, 8), (6, 4, 4, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    "same lower": ((1, 4, 9, 8), (6, 4, 4, 3), {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
    "one axis": ((1, 4, 20), (6, 4, 5), {"strides": [2]}),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_weights_times_columns_is_the_convolution(name: str) -> None:
    shape, kernel, attributes = CONVOLUTIONS[name]
    random = np.random.default_rng(5)
    x, w = random.normal(0, 1, shape).astype(np.float32), random.normal(0, 1, kernel).astype(np.float32)
    model = build([("Conv", ["x", "w"], ["y"], attributes)], {"x": shape}, ["y"], {"w": w})
    (expected,) = run(model, {"x": x})
    found = columns(model.graph[0], x, 10_000, random)  # (G, K, N * positions)
    groups = found.shape[0]
    product = w.reshape(groups, kernel[0] // groups, -1) @ found  # (G, O / G, N * positions)
    image = product.reshape(kernel[0], shape[0], -1).transpose(1, 0, 2).reshape(expected.shape)
    assert image == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_no_more_columns_than_asked_for_are_drawn() -> None:
    x, w = np.zeros((1, 2, 20, 20), np.float32), np.zeros((3, 2, 1, 1), np.float32)
    model = build([("Conv", ["x", "w"], ["y"], {})], {"x": x.shape}, ["y"], {"w": w})
    assert columns(model.graph[0], x, 50, np.random.default_rng(0)).shape == (1, 2, 50)


def test_moments_that_rounding_made_indefinite_still_give_weights() -> None:
    mean = np.full((1, 12), 1000.0)
    outer = mean[:, :, None] * mean[:, None, :]
    noise = np.random.default_rng(5).normal(0, 3e3, (12, 12))
    moments = Moments(outer + noise + noise.T, mean, mean, 1)
    rows = np.random.default_rng(6).normal(size=(3, 12)).astype(np.float32)
    scales = channel_scales(rows)
    assert np.abs(round_rows(rows, scales, moments, 8) - rows / scales[:, None]).max() < 64
