"""Where Strassen's algorithm multiplies matrices in less time: it pays where all three sides are large."""

from __future__ import annotations

LEAST_PIXELS = 64  # sums of weights are made once for so many; not 7x7: some networks have no other, and need the code
LEAST_CHANNELS = 256  # products of half as many must outweigh adding up their results
LEAST_OUTPUTS = 128  # sums of pixels are made once for so many


def suits_strassen(pixels: int, channels: int, outputs: int) -> bool:
    """Whether a product of `pixels` rows, `channels` deep and `outputs` wide, becomes `strassen_f32`."""
    return pixels >= LEAST_PIXELS and channels >= LEAST_CHANNELS and channels % 2 == 0 and outputs >= LEAST_OUTPUTS
