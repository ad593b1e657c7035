"""The kernels in plain C that each instruction set compiles for itself: the same bits on all of them, and right."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slim.core.format import Type
from slim.core.operators import Unary
from slim.errors import SlimError
from slim.lower.elementwise import apply_unary
from slim.runtime import Session
from tests.ops.programs import Operand, constant, floats, program

VECTOR_MODES = ("CLIP", "SIGMOID", "TANH", "HARD_SIGMOID", "EXP", "ERF", "GELU", "GELU_TANH", "SWISH")


def on_all(kind: str, operands: list[Operand], attributes: dict[str, float]) -> np.ndarray:
    """The output, which is the same bits on every instruction set that is here."""
    image, feeds = program(kind, operands, (Type.F32,), attributes)
    expected = Session(image, isa="plain").run(feeds)["y0"]
    for isa in ("avx2", "avxvnni", "avx512", "avx512vnni", "neon", "neondot"):
        try:
            session = Session(image, isa=isa)
        except SlimError:
            continue  # another processor's
        np.testing.assert_array_equal(session.run(feeds)["y0"], expected, err_msg=isa)
    return expected


@pytest.mark.parametrize("mode", VECTOR_MODES)
@settings(max_examples=15, deadline=None)
@given(count=st.integers(1, 300), scale=st.sampled_from([0.1, 3.0, 40.0]))
def test_activations(mode: str, count: int, scale: float) -> None:
    x = floats(count, scale=scale)
    alpha, beta = (-1.0, 2.0) if mode == "CLIP" else (0.25, 0.5)
    result = on_all("unary_f32", [x], {"mode": Unary[mode], "alpha": alpha, "beta": beta})
    with np.errstate(over="ignore"):
        expected = apply_unary(Unary[mode], x.astype(np.float64), np.float32(alpha), beta).astype(np.float32)
    np.testing.assert_allclose(result, expected, rtol=4e-6, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 9), n=st.integers(1, 200), scale=st.sampled_from([1.0, 50.0]))
def test_softmax(rows: int, n: int, scale: float) -> None:
    x = floats(rows, n, scale=scale)
    powers = np.exp(x.astype(np.float64) - x.max(axis=1, keepdims=True))
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(on_all("softmax_f32", [x], {"axis": 1, "log": 0}), expected, rtol=2e-5, atol=1e-7)


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 9), n=st.integers(1, 200), biased=st.booleans())
def test_layer_norm(rows: int, n: int, biased: bool) -> None:
    x, scale, bias = floats(rows, n) + 3, floats(n), floats(n)
    operands: list[Operand] = [x, constant(scale)] + [constant(bias)] * biased
    result = on_all("layer_norm_f32", operands, {"axis": 1, "epsilon": 1e-3})
    wide = x.astype(np.float64)
    centred = wide - wide.mean(axis=1, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + np.float32(1e-3)) * scale
    np.testing.assert_allclose(result, expected + (bias if biased else 0), rtol=1e-4, atol=1e-4)


def test_what_is_not_a_number_stays_so_and_infinities_saturate() -> None:
    x = np.array([np.nan, math.inf, -math.inf], np.float32)
    for mode, expected in (("ERF", [1, -1]), ("TANH", [1, -1]), ("SIGMOID", [1, 0]), ("EXP", [math.inf, 0])):
        result = on_all("unary_f32", [x], {"mode": Unary[mode], "alpha": 0.0, "beta": 0.0})
        np.testing.assert_array_equal(result, np.array([np.nan, *expected], np.float32))
