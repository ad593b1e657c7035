"""Which layers compute in bf16 where that is asked for: those that it makes faster than the best way in fp32.

A processor with the instruction multiplies twice as many bf16 as fp32 numbers, and first rounds the inputs.
"""

from __future__ import annotations

from slim.errors import Problem, SlimError

ARITHMETIC = ("fp32", "bf16")
LEAST_CHANNELS = 16  # inputs and outputs: below, rounding takes what the product gains
LEAST_POINTWISE = 24  # products around a depthwise convolution of its channel, that pay for leaving the fused operator


def check_arithmetic(arithmetic: str) -> None:
    """Raise SlimError unless this is an arithmetic of float layers."""
    if arithmetic not in ARITHMETIC:
        raise SlimError(Problem(f"unknown arithmetic {arithmetic!r}", do=f"use one of {', '.join(ARITHMETIC)}"))


def suits_bf16(channels: int, outputs: int) -> bool:
    """Whether a product with so many channels on either side is worth rounding its inputs."""
    return min(channels, outputs) >= LEAST_CHANNELS


def splits_bottleneck(inputs: int, outputs: int) -> bool:
    """Whether pointwise convolutions around a depthwise one, from `inputs` (0: none) and to `outputs` channels, gain
    more in bf16 than by staying with it in one operator in fp32."""
    return inputs + outputs >= LEAST_POINTWISE and suits_bf16(inputs or outputs, outputs)
