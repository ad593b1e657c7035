"""Run every pass of `slim.prune` and `slim.graph`, in order, until none of them finds anything more."""

from __future__ import annotations

from collections.abc import Callable

import onnx_ir as ir

from slim.errors import Problem, SlimError
from slim.graph.auto_pad import explicit_pads
from slim.graph.batch_norm import fold_batch_norm
from slim.graph.clips import merge_clips
from slim.graph.constants import fold_constants
from slim.graph.dense import matmul_to_gemm
from slim.graph.duplicates import merge_duplicates
from slim.graph.gelu import recognise_gelu
from slim.graph.hard_swish import recognise_hard_swish
from slim.graph.layer_norm import recognise_layer_norm
from slim.graph.layout import merge_layout
from slim.graph.no_ops import remove_no_ops
from slim.graph.pads import fold_pads
from slim.graph.pooling import recognise_global_pool
from slim.graph.scale import fold_scale
from slim.graph.shapes import infer_missing_shapes
from slim.graph.softmax import unwrap_softmax
from slim.prune import PassReport, remove_training, remove_unused

PASSES: tuple[Callable[[ir.Model], PassReport], ...] = (
    remove_training,
    fold_constants,
    remove_no_ops,
    unwrap_softmax,
    merge_layout,
    merge_duplicates,
    merge_clips,
    recognise_hard_swish,
    recognise_gelu,
    recognise_layer_norm,
    recognise_global_pool,
    matmul_to_gemm,
    fold_batch_norm,
    fold_scale,
    explicit_pads,
    fold_pads,
    remove_unused,
)
"""The order matters: constants first, because every other pass asks whether an operand is one; activations are
recognised before scales are folded, because folding may take the `x + 3` of a hard-swish apart; removal last, to
clear up."""

MAX_ROUNDS = 12
"""Each round sees what the one before uncovered; exporters' graphs need up to three. A bound, not a target."""


def simplify(model: ir.Model) -> tuple[ir.Model, list[PassReport]]:
    """Shrink the model without changing what it computes.

    Expects opset 21 with static shapes, as `slim.load` gives it. The model is edited in place and returned, with one
    report for each pass of `PASSES`, in that order; a pass that found nothing reports 0 changes. Every node has a name
    then.

    Raises `SlimError` for a graph that breaks ONNX's own rules (a node without an input that its operator needs)."""
    totals: list[PassReport] = []
    for _ in range(MAX_ROUNDS):
        reports = []
        for run in PASSES:
            report = _run(run, model)
            if report.changes and run is fold_constants:
                infer_missing_shapes(model)
            reports.append(report)
        totals = [total + report for total, report in zip(totals, reports, strict=True)] if totals else reports
        if not any(report.changes for report in reports):
            break
    _name_nodes(model)
    return model, totals


def _name_nodes(model: ir.Model) -> None:
    """Give nodes without a name that of their first output, by which reports and profiles then speak of them."""
    for node in model.graph:
        if not node.name and node.outputs:
            node.name = node.outputs[0].name


def _run(run: Callable[[ir.Model], PassReport], model: ir.Model) -> PassReport:
    """One pass, with whatever a malformed graph makes it raise turned into a problem with a place."""
    try:
        return run(model)
    except Exception as error:
        what = f"the graph is malformed ({type(error).__name__}: {error})"
        where = f"{model.graph.name or 'model'}: pass {run.__name__}"
        raise SlimError(Problem(what, where, "run onnx.checker.check_model on the file")) from error
