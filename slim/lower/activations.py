"""What follows an operator and can be done inside it: a clamp, a residual add, a quantizer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from slim.lower.context import Lowering

FLOAT_MAX = float(np.finfo(np.float32).max)


@dataclass
class Chain:
    """The value at the end of a chain of fused nodes, and what the fused operator has to do to produce it."""

    value: ir.Value
    nodes: list[ir.Node]
    lo: float = -math.inf
    hi: float = math.inf
    residual: ir.Value | None = None

    @property
    def clamped(self) -> bool:
        return self.lo != -math.inf or self.hi != math.inf


@dataclass(frozen=True)
class Target:
    """A QuantizeLinear at the end of a chain: 8-bit stored values are clamped to lo..hi."""

    chain: Chain
    scale: np.float32
    zero_point: int  # of the uint8 tensor that the core stores
    lo: int
    hi: int


def follow(low: Lowering, value: ir.Value, *, residual: bool = False) -> Chain:
    """The longest chain of clamps (and first, if asked, one residual add) that only this value feeds."""
    chain = Chain(value, [])
    while (node := low.sole_consumer(chain.value)) is not None and node not in low.done:
        clamp = low.clamp_of(node)
        if clamp is not None and node.inputs[0] is chain.value:
            chain.lo = min(max(chain.lo, clamp[0]), clamp[1])
            chain.hi = min(max(chain.hi, clamp[0]), clamp[1])
        elif residual and node.op_type == "Add" and not chain.clamped and chain.residual is None:
            other = node.inputs[1] if node.inputs[0] is chain.value else node.inputs[0]
            if other is None or other is chain.value or other not in low.forms or low.is_quantized(other):
                break
            if low.shape(other) != low.shape(value) or low.constant(other) is not None:
                break
            chain.residual = other
        else:
            break
        chain.nodes.append(node)
        chain.value = node.outputs[0]
    return chain


def quantizer(low: Lowering, node: ir.Node) -> tuple[np.float32, int] | None:
    """Scale and zero point of an 8-bit per-tensor QuantizeLinear, as of uint8 (int8 is shifted by 128)."""
    if node.op_type != "QuantizeLinear" or node.attributes.get_int("block_size"):
        return None
    scale = low.constant(node.inputs[1])
    zero = (
        low.constant(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] is not None else np.zeros((), np.uint8)
    )
    if scale is None or zero is None or scale.size != 1 or zero.dtype not in (np.dtype(np.uint8), np.dtype(np.int8)):
        return None
    shift = 128 if zero.dtype == np.int8 else 0
    return np.float32(scale.reshape(())), int(zero.reshape(())) + shift


def target(low: Lowering, value: ir.Value) -> Target | None:
    """The quantizer that alone reads the value, through clamps or directly; None where there is none."""
    chain = follow(low, value)
    node = low.sole_consumer(chain.value)
    if node is None or node.inputs[0] is not chain.value:
        return None
    found = quantizer(low, node)
    if found is None:
        return None
    scale, zero_point = found
    lo, hi = stored_bounds(chain.lo, chain.hi, scale, zero_point)
    chain.nodes.append(node)
    chain.value = node.outputs[0]
    return Target(chain, scale, zero_point, lo, hi)


def stored_bounds(lo: float, hi: float, scale: np.float32, zero_point: int) -> tuple[int, int]:
    """A clamp of real values as a clamp of the stored ones."""
    low_stored = 0 if lo == -math.inf else int(np.clip(np.rint(np.float32(lo) / scale) + zero_point, 0, 255))
    high_stored = 255 if hi == math.inf else int(np.clip(np.rint(np.float32(hi) / scale) + zero_point, 0, 255))
    return low_stored, max(high_stored, low_stored)


def claim(low: Lowering, chain: Chain) -> None:
    """The chain's nodes are done with the operator that starts it."""
    low.done.update(chain.nodes)
