"""Write automatic padding out as numbers.

1. SAME_UPPER and SAME_LOWER of Conv, AveragePool, MaxPool and LpPool become `pads`, computed from the static input
   shape as the ONNX specification of `auto_pad` says: ceil(input / stride) outputs, the odd zero at the end (upper) or
   at the start (lower).
2. VALID and NOTSET are the default once `pads` says the same, and go.
"""

from __future__ import annotations

import onnx_ir as ir

from slim.prune import PassReport
from slim.prune.edit import dims, nodes_of, where


def explicit_pads(model: ir.Model) -> PassReport:
    """Apply the rules above to the model, in place."""
    notes = []
    for node in nodes_of(model.graph, "Conv", "AveragePool", "MaxPool", "LpPool"):
        mode = node.attributes.get_string("auto_pad", "")
        if not mode:
            continue
        if mode.startswith("SAME"):
            pads = _same(node, lower=mode == "SAME_LOWER")
            if pads is None:
                continue
            node.attributes["pads"] = ir.AttrInt64s("pads", pads)
        elif mode == "VALID":
            node.attributes.pop("pads", None)
        node.attributes.pop("auto_pad", None)
        notes.append(f"{where(node)} had {mode} padding")
    return PassReport.of("explicit-pads", notes)


def _same(node: ir.Node, lower: bool) -> list[int] | None:
    """All starts, then all ends; None when the shapes are not known."""
    source, weight = dims(node.inputs[0]), dims(node.inputs[1]) if node.op_type == "Conv" else None
    if source is None or (node.op_type == "Conv" and weight is None):
        return None
    sizes = source[2:]
    kernel = node.attributes.get_ints("kernel_shape", ()) or (weight[2:] if weight else ())
    strides = node.attributes.get_ints("strides", ()) or [1] * len(sizes)
    dilations = node.attributes.get_ints("dilations", ()) or [1] * len(sizes)
    starts, ends = [], []
    for size, taps, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True):
        outputs = -(-size // stride)
        total = max((outputs - 1) * stride + (taps - 1) * dilation + 1 - size, 0)
        starts.append(total - total // 2 if lower else total // 2)
        ends.append(total - starts[-1])
    return starts + ends
