"""Windows that slide over images: random ones that fit, as the core's attributes and as ONNX's."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import assume
from hypothesis import strategies as st

from tests.ops.programs import window

Pair = tuple[int, int]


@dataclass(frozen=True)
class Sliding:
    """An image's height and width, and a window over it; pads are top, left, bottom, right."""

    size: Pair
    kernel: Pair
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def fits(self) -> bool:
        """Whether there is any output."""
        return all(
            self.size[axis] + self.pads[axis] + self.pads[axis + 2] > self.dilation[axis] * (self.kernel[axis] - 1)
            for axis in (0, 1)
        )

    @property
    def attributes(self) -> dict[str, int]:
        """The ten of the core's operators."""
        return window(self.kernel, self.stride, self.dilation, self.pads)

    @property
    def onnx(self) -> dict[str, object]:
        """Those of ONNX beside the kernel's shape."""
        return {"strides": self.stride, "dilations": self.dilation, "pads": self.pads}


def pairs(height: int, width: int) -> st.SearchStrategy[Pair]:
    """From 1 to these."""
    return st.tuples(st.integers(1, height), st.integers(1, width))


@st.composite
def slidings(
    draw: st.DrawFn, size: Pair, kernel: st.SearchStrategy[Pair], stride: Pair, dilation: Pair, pad: int
) -> Sliding:
    """Windows that fit; sizes, strides, dilations and each side's padding are at most these."""
    found = Sliding(
        draw(pairs(*size)),
        draw(kernel),
        draw(pairs(*stride)),
        draw(pairs(*dilation)),
        draw(st.tuples(*[st.integers(0, pad)] * 4)),
    )
    assume(found.fits)
    return found
