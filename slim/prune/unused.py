"""Remove what nothing reads: nodes, optional outputs, initializers, and operator sets that no node needs.

1. A node none of whose outputs is read or is a graph output goes, and then the nodes that only it read.
2. An optional output that nobody reads goes (Dropout's mask, MaxPool's indices).
3. An initializer that nobody reads goes. One that is also a graph input or output stays.
4. An imported operator set without a node goes.

Graph inputs stay whether read or not: they are the caller's interface. (`slim.prune.training` removes those that only a
loss reads.)
"""

from __future__ import annotations

import onnx_ir as ir

from slim.prune.edit import where
from slim.prune.report import PassReport


def remove_unused(model: ir.Model) -> PassReport:
    """Apply the rules above to the model, in place."""
    from onnx_ir.passes import common

    graph = model.graph
    nodes = {node: where(node) for node in graph}
    initializers = dict(graph.initializers)
    common.RemoveUnusedNodesPass()(model)
    common.RemoveUnusedOpsetsPass()(model)
    notes = [f"node {place} is not used" for node, place in nodes.items() if node.graph is None]
    notes += [f"constant {name!r} is not used" for name in initializers if name not in graph.initializers]
    return PassReport.of("remove-unused", notes)
