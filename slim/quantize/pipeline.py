"""The order of the quantization steps: plan, observe, centre, equalize, choose ranges, write integers into a copy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import onnx_ir as ir

from slim.errors import Problem, SlimError
from slim.quantize.calibrate import Statistics, observe
from slim.quantize.center import center
from slim.quantize.equalize import equalize
from slim.quantize.executor import Array
from slim.quantize.insert import insert_activations, insert_weights
from slim.quantize.judge import best
from slim.quantize.layers import integer_layers
from slim.quantize.plan import Plan, make_plan
from slim.quantize.qlinear import is_quantized
from slim.quantize.ranges import METHODS, QParams, choose
from slim.quantize.report import Report, TensorRange


def quantize(
    model: ir.Model,
    samples: Iterable[Mapping[str, Array]],
    *,
    method: str = "mse",
    weight_bits: int = 8,
    keep_float: Collection[str] = (),
) -> tuple[ir.Model, Report]:
    """A quantized copy of `model` (QDQ, uint8 activations, int8 weights for each output channel) and what was done.

    `samples` are `{input name: array}`, iterated more than once. `method` is `mse`, `minmax` or `percentile`.
    `keep_float` names nodes that stay in float. A model that is quantized already comes back as it is, with a note.
    Raises SlimError for samples that are missing or give NaN or infinity.
    """
    if not 2 <= weight_bits <= 8:
        raise SlimError(Problem(f"weights of {weight_bits} bits are not possible", do="use 2 to 8"))
    if method not in METHODS:
        raise SlimError(Problem(f"there is no method '{method}'", do=f"use one of {', '.join(METHODS)}"))
    if unknown := sorted(set(keep_float) - {node.name for node in model.graph if node.name}):
        raise SlimError([Problem(f"there is no node '{name}' to keep in float") for name in unknown])
    model = model.clone()
    if is_quantized(model):
        return model, Report((), (), {}, ("The model is quantized already and was left as it is.",))
    model, plan, seen, params = prepare(model, samples, method, keep_float)
    report = make_report(model, plan, seen, params)
    layers = integer_layers(model, samples, plan, params, weight_bits)
    insert_weights(model.graph, plan, params, layers)
    insert_activations(model.graph, plan, params)
    return model, report


Prepared = tuple[ir.Model, Plan, dict[ir.Value, Statistics], dict[ir.Value, QParams]]


def prepare(
    model: ir.Model, samples: Iterable[Mapping[str, Array]], method: str, keep_float: Collection[str]
) -> Prepared:  # fmt: skip
    """The model with ranges for its activations; centred and equalized if that brings its outputs nearer to float."""
    plan = make_plan(model, keep_float)
    seen = observe(model, samples, plan.points)
    given = model, plan, seen, choose_ranges(plan, seen, method)
    model = model.clone()
    plan = make_plan(model, keep_float)
    known = {value.name: statistics for value, statistics in seen.items()}
    moved = {value: replace(known[value.name]) for value in plan.points}
    changed = center(model, plan, moved)
    if equalize(model, plan, moved) + changed == 0:
        return given
    seen = observe(model, samples, plan.points)
    candidates = given, (model, plan, seen, choose_ranges(plan, seen, method))
    return candidates[best([(each[0], each[3]) for each in candidates], samples, keep_float)]


def choose_ranges(plan: Plan, seen: Mapping[ir.Value, Statistics], method: str) -> dict[ir.Value, QParams]:
    """One scale for each group of values that share it, chosen from all that its members were seen to hold."""
    groups = dict.fromkeys(plan.group.values())
    return {root: choose(seen[root].histogram, method) for root in groups}


def make_report(
    model: ir.Model, plan: Plan, seen: Mapping[ir.Value, Statistics], params: Mapping[ir.Value, QParams]
) -> Report:
    """The report on one plan."""
    ranges = []
    for value in plan.points:
        histogram, chosen = seen[value].histogram, params[plan.group[value]]
        ranges.append(
            TensorRange(
                value.name or "",
                (histogram.minimum, histogram.maximum),
                (chosen.low, chosen.high),
                chosen.scale,
                chosen.zero_point,
            )
        )
    return Report(
        ranges=tuple(ranges),
        quantized=tuple(node.name or "" for node in model.graph if node in plan.integer),
        stayed_float={node.name or "": why for node, why in plan.float_because.items()},
        notes=tuple(_notes(plan, seen)),
    )


def _notes(plan: Plan, seen: Mapping[ir.Value, Statistics]) -> Iterable[str]:
    """What a person should know about the data."""
    for value in plan.points:
        histogram = seen[value].histogram
        if histogram.minimum >= histogram.maximum:
            yield f"'{value.name}' was {histogram.minimum:g} throughout calibration: check the data or the weights."
    if not plan.integer:
        yield "No operator of this model can compute in integers; it was left in float."
