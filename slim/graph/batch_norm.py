"""Fold batch normalisation into the linear layer beside it.

In inference y = s * x + t for each channel, with s = gamma / sqrt(var + eps) and t = beta - mean * s (Ioffe and
Szegedy, 2015). The batch norm qualifies when its four parameters are constants, `training_mode` is 0 and its
statistics outputs are not there.

1. Layer, then batch norm: s and t go into the layer, if only the batch norm reads the layer's output.
2. Batch norm, then layer: s and t go into the layer, if only that layer reads the batch norm's output, and the layer
   has no padding (or t is zero).
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from slim.graph.linear import absorb_after, absorb_before, is_layer, output_axis
from slim.prune import PassReport
from slim.prune.edit import Array, bypass, constant, dims, nodes_of, only_user, where


def fold_batch_norm(model: ir.Model) -> PassReport:
    """Apply the rules above to the model, in place."""
    notes = []
    for node in nodes_of(model.graph, "BatchNormalization"):
        affine, source = parameters(node), node.inputs[0]
        if affine is None or source is None:
            continue
        place, layer, user = where(node), source.producer(), only_user(node.outputs[0])
        if is_layer(layer) and layer is not None and output_axis(layer) == 1 and only_user(source) is node:
            folded, into = absorb_after(layer, *affine), layer
        elif user is not None and is_layer(user) and user.inputs[0] is node.outputs[0] and _reads_axis_1(user, source):
            folded, into = absorb_before(user, *affine), user
        else:
            continue
        if folded and bypass(node):
            notes.append(f"{place} went into {where(into)}")
    return PassReport.of("fold-batch-norm", notes)


def _reads_axis_1(layer: ir.Node, source: ir.Value) -> bool:
    """Whether the layer's input channels are the batch norm's: axis 1, which for a dense layer must be the last."""
    return "Conv" in layer.op_type or len(dims(source) or ()) == 2


def parameters(node: ir.Node) -> tuple[Array, Array] | None:
    """Scale and shift of a batch norm, float64 [C] each, or None when it is not a fixed affine map."""
    if node.attributes.get_int("training_mode", 0) or len(node.outputs) != 1:
        return None
    arrays = [constant(value) for value in node.inputs[1:5]]
    if any(array is None for array in arrays):
        return None
    gamma, beta, mean, variance = (array.astype(np.float64) for array in arrays if array is not None)
    scale = gamma / np.sqrt(variance + node.attributes.get_float("epsilon", 1e-5))
    shift = beta - mean * scale
    return (scale, shift) if np.isfinite(scale).all() and np.isfinite(shift).all() else None
