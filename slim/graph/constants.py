"""Compute at once what depends only on constants and on static shapes: the arithmetic that exporters leave behind.

1. A Constant node becomes an initializer.
2. Shape and Size of a value with a static shape become initializers, whatever the value itself depends on.
3. A node whose inputs are all constants becomes its result, computed by `onnx.reference`.
4. Not computed, because the file would grow: a result of more than `SMALL` bytes that is also more than twice the
   size of the inputs (Expand, Tile, ConstantOfShape of something large).
5. Not computed, because the format says something by it: QuantizeLinear, DequantizeLinear and their kin. A quantized
   weight stays in integers. Nor anything random, with a subgraph, or of another domain than the standard one.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from slim.prune import PassReport
from slim.prune.edit import (
    RANDOM,
    SUBGRAPHS,
    Array,
    add_constant,
    constant,
    dims,
    erase,
    is_constant,
    nodes_of,
    redirect,
    where,
)

SMALL = 64 * 1024
"""Bytes that a folded result may always have (64 KiB)."""

KEPT = {"Constant", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", *RANDOM}


def fold_constants(model: ir.Model) -> PassReport:
    """Apply the rules above to the model, in place."""
    graph, notes = model.graph, []
    if nodes_of(graph, "Constant"):
        from onnx_ir.passes import common

        lifted = nodes_of(graph, "Constant")
        common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
        notes += [f"{where(node)} became an initializer" for node in lifted if node.graph is None]
    for node in tuple(graph):
        results = _results(model, node)
        if results is not None and _substitute(graph, node, results):
            notes.append(f"{where(node)} was computed")
    return PassReport.of("fold-constants", notes)


def _results(model: ir.Model, node: ir.Node) -> list[Array] | None:
    """The arrays of a node's outputs, or None when it is not to be folded."""
    if node.domain != "" or node.op_type in KEPT:
        return None
    if node.op_type in ("Shape", "Size"):  # rule 2
        return _shape(node)
    if not all(value is None or is_constant(value) for value in node.inputs) or not node.inputs:
        return None
    if any(attribute.type in SUBGRAPHS for attribute in node.attributes.values()):
        return None
    limit = max(SMALL, 2 * sum(value.const_value.nbytes for value in node.inputs if value and value.const_value))
    sizes = [_nbytes(value) for value in node.outputs]
    if any(size is not None and size > limit for size in sizes) or (None in sizes and limit > SMALL):
        return None  # rule 4
    if node.op_type in ("Expand", "Tile", "ConstantOfShape") and None in sizes:
        return None
    return _evaluate(model, node, limit)


def _shape(node: ir.Node) -> list[Array] | None:
    shape = dims(node.inputs[0])
    if shape is None:
        return None
    if node.op_type == "Size":
        return [np.array(int(np.prod(shape, dtype=np.int64)), np.int64)]
    start = node.attributes.get_int("start", 0)
    end = node.attributes.get_int("end", len(shape))
    return [np.array(shape[start:end], np.int64)]  # slices clamp and count from the end as the operator does


def _nbytes(value: ir.Value) -> int | None:
    shape = dims(value)
    if shape is None or value.dtype is None or value.dtype == ir.DataType.STRING:
        return None
    return int(np.prod(shape, dtype=np.int64) * value.dtype.itemsize)


def _evaluate(model: ir.Model, node: ir.Node, limit: int) -> list[Array] | None:
    """Run one node in ONNX's reference implementation; None when that has no such operator or refuses the inputs."""
    from onnx.reference import ReferenceEvaluator

    feeds = {str(value.name): constant(value) for value in node.inputs if value is not None}
    try:
        evaluator = ReferenceEvaluator(ir.to_proto(node), opsets={"": model.graph.opset_imports.get("", 21)})
        results = evaluator.run(None, feeds)
    except Exception:  # the evaluator raises whatever numpy raises; the node then stays for the backend to judge
        return None
    arrays = [np.asarray(result) for result in results]
    return arrays if all(array.nbytes <= limit for array in arrays) else None


def _substitute(graph: ir.Graph, node: ir.Node, results: list[Array]) -> bool:
    """Put initializers in the place of the node's outputs."""
    if any(output.is_graph_output() for output in node.outputs):
        return False  # an initializer cannot take an output's name in every runtime
    for output, array in zip(node.outputs, results, strict=True):
        if output.uses():
            name, output.name = output.name, None
            redirect(output, add_constant(graph, name or "constant", np.ascontiguousarray(array).reshape(array.shape)))
    erase(node)
    return True
