"""Is a prepared model better to quantize than the one it came from? Its outputs on the samples say.

Centering and equalization are chosen by estimates for each region; whether the whole gains is measured here, with
activations on their 8-bit ranges and weights in float, so that it can be asked before the costly rounding of weights.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import onnx_ir as ir

from slim.quantize.executor import Array, run_all
from slim.quantize.insert import insert_activations
from slim.quantize.plan import make_plan
from slim.quantize.ranges import QParams

Candidate = tuple[ir.Model, Mapping[ir.Value, QParams]]


def best(
    candidates: Sequence[Candidate], samples: Iterable[Mapping[str, Array]], keep_float: Collection[str]
) -> int:  # fmt: skip
    """The index of the candidate (model, ranges) whose outputs have the least squared error.

    All candidates compute the same in float; the first one's outputs are the reference. Several outputs count alike:
    each error is relative to its output's power. One pass over the samples.
    """
    names = [value.name or "" for value in candidates[0][0].graph.outputs]
    reference = run_all(candidates[0][0], names)
    runs = [run_all(_with_ranges(model, params, keep_float), names) for model, params in candidates]
    power = np.full(len(names), 1e-30)
    noise = np.zeros((len(candidates), len(names)))
    for feeds in samples:
        expected = reference(feeds)
        power += [np.square(expected[name].astype(np.float64)).sum() for name in names]
        for row, run in zip(noise, runs, strict=True):
            got = run(feeds)
            row += [np.square(got[name].astype(np.float64) - expected[name]).sum() for name in names]
    return int((noise / power).sum(axis=1).argmin())


def _with_ranges(model: ir.Model, params: Mapping[ir.Value, QParams], keep_float: Collection[str]) -> ir.Model:
    """A copy with quantizers behind its points and float weights."""
    copy = model.clone()
    plan = make_plan(copy, keep_float)
    chosen = {value.name: choice for value, choice in params.items()}
    insert_activations(copy.graph, plan, {root: chosen[root.name] for root in plan.group.values()})
    return copy
