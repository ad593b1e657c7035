"""Where Strassen's algorithm multiplies matrices in less time: it pays where all three sides are large."""

from __future__ import annotations

LEAST_PIXELS = 64  # sums of weights are made once for so many
LEAST_CHANNELS = 256  # products of half as many must outweigh adding up their results
LEAST_OUTPUTS = 128  # sums of pixels are made once for so many
LESS_CHANNELS = 128  # or so many where many results share the sums:
LESS_PIXELS, LESS_OUTPUTS = 192, 512
FEW_PIXELS = 48  # from so many on 7x7 gains where both others are larger still; networks with less do not need the code
FEW_CHANNELS = FEW_OUTPUTS = 512


def suits_strassen(pixels: int, channels: int, outputs: int) -> bool:
    """Whether a product of `pixels` rows, `channels` deep and `outputs` wide, becomes `strassen_f32`."""
    if channels % 2:
        return False
    if pixels < LEAST_PIXELS:
        return pixels >= FEW_PIXELS and channels >= FEW_CHANNELS and outputs >= FEW_OUTPUTS
    if channels < LEAST_CHANNELS:
        return channels >= LESS_CHANNELS and pixels >= LESS_PIXELS and outputs >= LESS_OUTPUTS
    return outputs >= LEAST_OUTPUTS
