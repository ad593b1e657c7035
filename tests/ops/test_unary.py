"""unary_f32: every mode against numpy in double precision, over the whole range where that is finite."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from slim.core.operators import Unary
from tests.ops.programs import run

_erf = np.vectorize(math.erf)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


EXPECTED = {
    Unary.CLIP: lambda x: np.clip(x, 0.25, 0.75),
    Unary.SIGMOID: _sigmoid,
    Unary.TANH: np.tanh,
    Unary.HARD_SIGMOID: lambda x: np.clip(0.25 * x + 0.75, 0, 1),
    Unary.HARD_SWISH: lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    Unary.EXP: np.exp,
    Unary.LOG: np.log,
    Unary.SQRT: np.sqrt,
    Unary.NEG: np.negative,
    Unary.ABS: np.abs,
    Unary.ERF: _erf,
    Unary.GELU: lambda x: 0.5 * x * (1 + _erf(x / np.sqrt(2))),
    Unary.GELU_TANH: lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    Unary.LEAKY_RELU: lambda x: np.where(x >= 0, x, 0.25 * x),
    Unary.ELU: lambda x: np.where(x >= 0, x, 0.25 * np.expm1(x)),
    Unary.SOFTPLUS: lambda x: np.logaddexp(0, x),
    Unary.RECIPROCAL: lambda x: 1 / x,
    Unary.FLOOR: np.floor,
    Unary.CEIL: np.ceil,
    Unary.ROUND: np.round,
    Unary.SOFTSIGN: lambda x: x / (1 + np.abs(x)),
    Unary.SIN: np.sin,
    Unary.COS: np.cos,
    Unary.SWISH: lambda x: x * _sigmoid(0.25 * x),
}
# 1 + erf(x) and the like cancel where the result is near 0: what is right there is right to a float of size 1
ABSOLUTE = {Unary.GELU: 1e-6, Unary.GELU_TANH: 1e-6, Unary.HARD_SWISH: 1e-6, Unary.SIN: 1e-7, Unary.COS: 1e-7}


def apply(mode: Unary, x: np.ndarray) -> np.ndarray:
    return run("unary_f32", [x], attributes={"mode": mode, "alpha": 0.25, "beta": 0.75})


def test_every_mode_is_tested() -> None:
    assert set(EXPECTED) == set(Unary)


@pytest.mark.parametrize("mode", Unary, ids=lambda mode: mode.name.lower())
@settings(max_examples=12, deadline=None)
@given(size=st.sampled_from([1, 17, 64, 5000]), reach=st.sampled_from([0.01, 1.0, 6.0, 87.0]), seed=st.integers(0, 99))
def test_mode_is_within_a_millionth_of_double_precision(mode: Unary, size: int, reach: float, seed: int) -> None:
    x = np.random.default_rng(seed).uniform(-reach, reach, size).astype(np.float32)
    if mode in (Unary.LOG, Unary.SQRT):
        x = np.abs(x)
    expected = EXPECTED[mode](x.astype(np.float64))
    np.testing.assert_allclose(apply(mode, x), expected, rtol=1e-6, atol=ABSOLUTE.get(mode, 1e-37))


@pytest.mark.parametrize(
    "mode", [Unary.EXP, Unary.SIGMOID, Unary.TANH, Unary.SOFTPLUS, Unary.SQRT, Unary.LOG, Unary.ERF]
)
def test_infinities_and_zero_go_where_numpy_sends_them(mode: Unary) -> None:
    x = np.array([np.inf, -np.inf, 0.0, 1e30, -1e30, 200.0, -200.0], np.float32)
    with np.errstate(all="ignore"):
        expected = EXPECTED[mode](x.astype(np.float64)).astype(np.float32)
    np.testing.assert_allclose(apply(mode, x), expected, rtol=1e-6, atol=1e-37)


@pytest.mark.parametrize(
    "mode", [Unary.EXP, Unary.SQRT, Unary.LOG, Unary.SOFTPLUS, Unary.ROUND, Unary.SIN, Unary.TANH, Unary.ERF]
)
def test_not_a_number_stays_one(mode: Unary) -> None:
    assert np.isnan(apply(mode, np.array([np.nan], np.float32))).all()


@settings(max_examples=30, deadline=None)
@given(x=hnp.arrays(np.float32, st.integers(1, 80), elements=st.floats(-(2.0**40), 2.0**40, width=32)))
@pytest.mark.parametrize("mode", [Unary.FLOOR, Unary.CEIL, Unary.ROUND])
def test_rounding_is_exact_at_any_size(mode: Unary, x: np.ndarray) -> None:
    np.testing.assert_array_equal(apply(mode, x), EXPECTED[mode](x))


def test_the_phase_of_a_large_angle_is_right() -> None:
    x = np.array([1e4, 12345.678, 1e8, -3e9], np.float32)
    np.testing.assert_allclose(apply(Unary.SIN, x), np.sin(x.astype(np.float64)), atol=1e-6)
    np.testing.assert_allclose(apply(Unary.COS, x), np.cos(x.astype(np.float64)), atol=1e-6)
