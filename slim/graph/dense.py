"""Give dense layers one form.

1. MatMul of a two-dimensional input with a constant two-dimensional weight becomes Gemm, whether or not a bias follows:
   `fold_scale` then finds a place for the bias. The weight's bytes are used as they are.
"""

from __future__ import annotations

import onnx_ir as ir

from slim.prune import PassReport
from slim.prune.edit import dims, is_constant, is_float, nodes_of, replace, where


def matmul_to_gemm(model: ir.Model) -> PassReport:
    """Apply the rule above to the model, in place."""
    notes = []
    for node in nodes_of(model.graph, "MatMul"):
        source, weight = node.inputs[0], node.inputs[1]
        if is_constant(source) or not is_constant(weight) or not is_float(weight):
            continue
        if len(dims(source) or ()) == 2 and len(dims(weight) or ()) == 2:
            notes.append(f"{where(node)} became a Gemm")
            replace(node, "Gemm", [source, weight])
    return PassReport.of("matmul-to-gemm", notes)
