"""Which of several prepared models is quantized: the one whose outputs stay nearest to float."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest

from slim.quantize import pipeline, quantize
from slim.quantize.calibrate import observe
from slim.quantize.judge import best
from slim.quantize.plan import make_plan
from slim.quantize.ranges import QParams, qparams
from tests.quantize.nets import mobile_net, run, sqnr


def ranges(model: ir.Model, samples: list[dict[str, np.ndarray]], width: float) -> dict[ir.Value, QParams]:
    """Ranges `width` times as wide as what was seen."""
    plan = make_plan(model)
    seen = observe(model, samples, plan.points)
    return {v: qparams(width * seen[v].histogram.minimum, width * seen[v].histogram.maximum) for v in plan.points}


def test_the_candidate_with_the_least_error_is_found() -> None:
    model, samples = mobile_net()
    widths = [0.3, 1.0, 30.0]
    assert best([(model, ranges(model, samples, width)) for width in widths], samples, ()) == 1


def test_nodes_kept_in_float_are_kept_while_judging() -> None:
    model, samples = mobile_net()
    everything = [node.name or "" for node in model.graph]
    wide, fitting = ranges(model, samples, 30.0), ranges(model, samples, 1.0)
    assert best([(model, wide), (model, fitting)], samples, everything) == 0  # neither changes anything


def test_equalization_that_harms_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    model, samples = mobile_net(clip=1e9)

    def spoil(model: ir.Model, plan: object, seen: object) -> int:
        for node in model.graph:  # exact in float, ruinous for one scale: one channel a thousand times the others
            if node.name in ("c1", "c2"):
                weight = node.inputs[1].const_value.numpy().copy()  # type: ignore[union-attr]
                bias = node.inputs[2].const_value.numpy().copy()  # type: ignore[union-attr]
                factor = 1000.0
                if node.name == "c1":
                    weight[0], bias[0] = weight[0] * factor, bias[0] * factor
                else:
                    weight[0] /= factor
                node.inputs[1].const_value = ir.tensor(weight)  # type: ignore[union-attr]
                node.inputs[2].const_value = ir.tensor(bias)  # type: ignore[union-attr]
        return 1

    monkeypatch.setattr(pipeline, "equalize", spoil)
    spared, _ = quantize(model, samples)
    expected = np.concatenate([run(model, feeds)[0] for feeds in samples])
    assert sqnr(expected, np.concatenate([run(spared, feeds)[0] for feeds in samples])) > 25
