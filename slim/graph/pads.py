"""Fold a Pad into the convolution or pooling that reads it.

The Pad qualifies when its mode is `constant`, its amounts are constant and not negative, and it pads spatial axes only.
Every reader that can take it does; the Pad goes once nobody reads it.

1. Conv with explicit padding: zeros are added to its own.
2. AveragePool without `ceil_mode`: zeros, if it counts padding (`count_include_pad`) or has none of its own; it then
   counts padding, as the zeros were counted before.
3. MaxPool without `ceil_mode`, whose own padding is minus infinity: a pad of minus infinity (or float's lowest
   value), or zeros after a node that gives no negative values (Relu, Sigmoid, a Clip from 0 or more).

A pooling's padding stays smaller than its window, as ONNX asks, so that no window reads padding alone.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from slim.prune import PassReport
from slim.prune.edit import dims, input_of, int_list, is_op, nodes_of, scalar, where

NOT_NEGATIVE = ("Relu", "Sigmoid", "Softmax", "HardSigmoid", "Abs", "Exp")


def fold_pads(model: ir.Model) -> PassReport:
    """Apply the rules above to the model, in place."""
    notes = []
    for pad in nodes_of(model.graph, "Pad"):
        amounts, value = _spatial(pad), _fill(pad)
        source = pad.inputs[0]
        if amounts is None or value is None or source is None:
            continue
        for user in pad.outputs[0].consumers():
            if user.graph is pad.graph and user.inputs[0] is pad.outputs[0] and _absorb(user, amounts, value, source):
                user.replace_input_with(0, source)
                notes.append(f"{where(pad)} went into {where(user)}")
    return PassReport.of("fold-pads", notes)


def _spatial(pad: ir.Node) -> list[int] | None:
    """Padding of the axes after batch and channel, all starts and then all ends, or None when it is not only there."""
    shape, amounts = dims(pad.inputs[0]), int_list(input_of(pad, 1))
    if shape is None or amounts is None or len(shape) < 3:
        return None
    if pad.attributes.get_string("mode", "constant") != "constant":
        return None
    rank, axes = len(shape), input_of(pad, 3)
    chosen = list(range(rank)) if axes is None else int_list(axes)
    if chosen is None:
        return None
    full = [0] * (2 * rank)
    for position, axis in enumerate(chosen):
        full[axis % rank] = amounts[position]
        full[axis % rank + rank] = amounts[position + len(chosen)]
    outside = (*full[:2], *full[rank : rank + 2])
    return None if any(outside) or min(full) < 0 else full[2:rank] + full[rank + 2 :]


def _fill(pad: ir.Node) -> float | None:
    """The value that is padded with."""
    value = input_of(pad, 2)
    return 0.0 if value is None else scalar(value)


def _absorb(user: ir.Node, amounts: list[int], value: float, source: ir.Value) -> bool:
    """Add the padding to the reader's own, if it can hold it."""
    if not is_op(user, "Conv", "AveragePool", "MaxPool"):
        return False
    auto = user.attributes.get_string("auto_pad", "NOTSET")
    own = [0] * len(amounts) if auto == "VALID" else list(user.attributes.get_ints("pads", ()) or [0] * len(amounts))
    if auto.startswith("SAME"):
        return False
    total = [first + second for first, second in zip(own, amounts, strict=True)]
    if user.op_type == "Conv":
        if value != 0:
            return False
    elif not _pool_takes(user, own, total, value, source):
        return False
    user.attributes.pop("auto_pad", None)
    user.attributes["pads"] = ir.AttrInt64s("pads", total)
    return True


def _pool_takes(pool: ir.Node, own: list[int], total: list[int], value: float, source: ir.Value) -> bool:
    """Rules 2 and 3; sets `count_include_pad` where rule 2 asks for it."""
    kernel = list(pool.attributes.get_ints("kernel_shape", ()) or ())
    dilated = any(step != 1 for step in pool.attributes.get_ints("dilations", None) or ())
    if pool.attributes.get_int("ceil_mode", 0) or dilated or len(pool.outputs) != 1:
        return False
    if any(amount >= size for amount, size in zip(total, kernel * 2, strict=True)):
        return False
    if pool.op_type == "AveragePool":
        if value != 0 or (any(own) and not pool.attributes.get_int("count_include_pad", 0)):
            return False
        pool.attributes["count_include_pad"] = ir.AttrInt64("count_include_pad", 1)
        return True
    return value <= float(np.finfo(np.float32).min) or (value == 0 and _not_negative(source))


def _not_negative(value: ir.Value) -> bool:
    producer = value.producer()
    if is_op(producer, "Clip") and producer is not None:
        low = scalar(input_of(producer, 1))
        return low is not None and low >= 0
    return is_op(producer, *NOT_NEGATIVE)
