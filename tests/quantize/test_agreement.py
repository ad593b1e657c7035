"""What `slim compress` says that 8 bits cost."""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir
from onnx import helper

from slim.quantize.agreement import MOST, agreement
from tests.nets import net


def gain(factor: float) -> ir.Model:
    constants = {"k": np.float32(factor).reshape(())}
    return ir.from_proto(net([helper.make_node("Mul", ["x", "k"], ["y"])], {"x": (1, 4)}, ["y"], constants))


SAMPLES = [{"x": np.float32([[1, 2, 3, -4]])}, {"x": np.float32([[-1, -2, -3, -4]])}]


def test_a_model_agrees_with_itself() -> None:
    found = agreement(gain(2), gain(2), SAMPLES)
    assert (found.samples, found.sqnr_db, found.same_largest) == (2, math.inf, 1.0)


def test_a_tenth_of_the_amplitude_is_twenty_decibels() -> None:
    found = agreement(gain(1), gain(1.1), SAMPLES)
    np.testing.assert_allclose(found.sqnr_db, 20, atol=1e-4)
    assert found.same_largest == 1.0


def test_another_sign_moves_the_largest_output() -> None:
    assert agreement(gain(1), gain(-1), SAMPLES).same_largest == 0.0


def test_no_more_than_a_few_dozen_samples_are_run() -> None:
    assert agreement(gain(1), gain(1), SAMPLES * MOST).samples == MOST
