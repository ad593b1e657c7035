"""Remove what only training needs.

1. Identity goes, and Dropout whose mask nobody reads and which is not told to drop at run time (`training_mode`
   absent or constant false): both copy their input.
2. A graph output that is a loss (SoftmaxCrossEntropyLoss, NegativeLogLikelihoodLoss) goes. When no other output
   would be left, the scores that the loss reads become the output.
3. A graph input that only such a loss read (the labels, their weights) goes with it.
"""

from __future__ import annotations

import onnx_ir as ir

from slim.prune.edit import bypass, input_of, is_op, nodes_of, scalar, where
from slim.prune.report import PassReport

LOSSES = ("SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss")


def remove_training(model: ir.Model) -> PassReport:
    """Apply the rules above to the model, in place."""
    notes = _remove_losses(model.graph)
    for node in nodes_of(model.graph, "Identity", "Dropout"):
        place = where(node)
        if _copies_input(node) and bypass(node):
            notes.append(f"{place} only copies its input")
    return PassReport.of("remove-training", notes)


def _copies_input(node: ir.Node) -> bool:
    """Rule 1."""
    if node.op_type == "Identity":
        return True
    training = input_of(node, 2)
    if training is not None and scalar(training) != 0:
        return False
    return all(not mask.uses() and not mask.is_graph_output() for mask in node.outputs[1:])


def _remove_losses(graph: ir.Graph) -> list[str]:
    """Rules 2 and 3."""
    losses = [output for output in graph.outputs if is_op(output.producer(), *LOSSES) and output.index() == 0]
    notes: list[str] = []
    for loss in losses:
        node = loss.producer()
        assert node is not None
        scores = node.inputs[0]
        if len(graph.outputs) == 1:
            if scores is None or scores.producer() is None:
                continue
            graph.outputs[0] = scores
            notes.append(f"{where(node)} is a loss; {scores.name!r} is the output instead")
        else:
            graph.outputs.remove(loss)
            notes.append(f"{where(node)} is a loss and no longer an output")
        if any(output.uses() or output.is_graph_output() for output in node.outputs):
            continue
        labels = [value for value in node.inputs[1:] if value is not None and value.is_graph_input()]
        graph.remove(node, safe=True)
        for value in labels:
            if not value.uses() and not value.is_graph_output():
                graph.inputs.remove(value)
                notes.append(f"input {value.name!r} is only for the loss")
    return notes
