"""Centering: exact in float, into the middle where sums allow it, and not where a padded zero would tell."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest

from slim.quantize.calibrate import observe
from slim.quantize.center import center
from slim.quantize.plan import make_plan
from tests.quantize.nets import Array, Step, build, run

RANDOM = np.random.default_rng(11)


def residual(consumer: dict[str, object], groups: int = 1, size: int = 1) -> tuple[ir.Model, list[dict[str, Array]]]:
    """Two layers, the second without a bias, whose sum a third reads; the channels lie far to one side of zero."""
    constants: dict[str, Array] = {
        "w0": RANDOM.normal(0, 1, (4, 3, 1, 1)).astype(np.float32), "b0": np.array([5, -5, 8, 0], np.float32),
        "w1": RANDOM.normal(0, 1, (4, 4, 1, 1)).astype(np.float32),
        "w2": RANDOM.normal(0, 1, (6, 4 // groups, size, size)).astype(np.float32),
        "b2": np.arange(6, dtype=np.float32),
    }  # fmt: skip
    if groups > 1:
        constants["w2"], constants["b2"] = constants["w2"][:4], constants["b2"][:4]
    steps: list[Step] = [
        ("Conv", ["x", "w0", "b0"], ["p"], {}), ("Conv", ["p", "w1"], ["q"], {}), ("Add", ["p", "q"], ["a"], {}),
        ("Conv", ["a", "w2", "b2"], ["y"], {"group": groups, **consumer}),
    ]  # fmt: skip
    samples = [{"x": RANDOM.normal(0, 1, (1, 3, 6, 6)).astype(np.float32)} for _ in range(4)]
    return build(steps, {"x": (1, 3, 6, 6)}, ["y"], constants), samples


@pytest.mark.parametrize(
    ("consumer", "groups", "size"), [({}, 1, 1), ({}, 1, 3), ({}, 4, 3), ({"strides": [2, 2]}, 2, 1)]
)
def test_channels_move_to_the_middle_and_the_outputs_stay(consumer: dict[str, object], groups: int, size: int) -> None:
    model, samples = residual(consumer, groups, size)
    centred = model.clone()
    plan = make_plan(centred)
    seen = observe(centred, samples, plan.points)
    before = {value.name: np.abs(seen[value].high + seen[value].low) for value in plan.points}
    assert center(centred, plan, seen) == 1
    for feeds in samples:
        assert run(centred, feeds)[0] == pytest.approx(run(model, feeds)[0], rel=1e-4, abs=1e-4)
    after = observe(centred, samples, plan.points)
    for value in plan.points[1:]:
        assert np.abs(after[value].high + after[value].low).sum() < 0.3 * before[value.name].sum()
        assert after[value].high == pytest.approx(seen[value].high, abs=1e-4)  # `seen` was kept up to date
        assert after[value].mean == pytest.approx(seen[value].mean, abs=1e-4)
        assert after[value].mean_square == pytest.approx(seen[value].mean_square, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("consumer", [{"pads": [1, 1, 1, 1]}, {"auto_pad": "SAME_UPPER"}])
def test_what_a_padding_layer_reads_stays_where_it_is(consumer: dict[str, object]) -> None:
    model, samples = residual(consumer, size=3)
    plan = make_plan(model)
    assert center(model, plan, observe(model, samples, plan.points)) == 0


def test_what_a_clamp_reads_stays_where_it_is() -> None:
    steps: list[Step] = [
        ("Conv", ["x", "w", "b"], ["p"], {}), ("Relu", ["p"], ["r"], {}), ("Conv", ["r", "w", "b"], ["y"], {}),
    ]  # fmt: skip
    weights = np.eye(3, dtype=np.float32)[:, :, None, None]
    constants: dict[str, Array] = {"w": weights, "b": np.array([1, 2, 3], np.float32)}
    model = build(steps, {"x": (1, 3, 2, 2)}, ["y"], constants)
    plan = make_plan(model)
    assert center(model, plan, observe(model, [{"x": np.ones((1, 3, 2, 2), np.float32)}], plan.points)) == 0
