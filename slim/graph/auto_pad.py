"""Write automatic padding out as numbers.

1. SAME_UPPER and SAME_LOWER of convolutions and pools become `pads`, computed from the static input shape as the ONNX
   specification of `auto_pad` says: ceil(input / stride) outputs, the odd zero at the end (upper) or start (lower).
2. VALID and NOTSET are the default once `pads` says the same, and go.
"""

from __future__ import annotations

import onnx_ir as ir

from slim.prune import PassReport
from slim.prune.edit import dims, input_of, nodes_of, where

WEIGHTS = {"Conv": 1, "QLinearConv": 3}
"""Which input of a convolution is its weight, whose shape says the kernel's where no attribute does."""


def explicit_pads(model: ir.Model) -> PassReport:
    """Apply the rules above to the model, in place."""
    notes = []
    for node in nodes_of(model.graph, *WEIGHTS, "AveragePool", "MaxPool", "LpPool"):
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
    source = dims(input_of(node, 0))
    weight = dims(input_of(node, WEIGHTS[node.op_type])) if node.op_type in WEIGHTS else ()
    if source is None or weight is None:
        return None
    sizes = source[2:]
    kernel = node.attributes.get_ints("kernel_shape", ()) or weight[2:]
    strides = node.attributes.get_ints("strides", ()) or [1] * len(sizes)
    dilations = node.attributes.get_ints("dilations", ()) or [1] * len(sizes)
    starts, ends = [], []
    for size, taps, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True):
        outputs = -(-size // stride)
        total = max((outputs - 1) * stride + (taps - 1) * dilation + 1 - size, 0)
        starts.append(total - total // 2 if lower else total // 2)
        ends.append(total - starts[-1])
    return starts + ends
