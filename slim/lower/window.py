"""The window of convolutions and pools: ONNX attributes to the core's ten, with auto_pad and ceil_mode resolved."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir

from slim.lower.context import Lowering
from slim.lower.rules import ints, refuse


@dataclass(frozen=True)
class Window:
    """A window over height and width; a 1-D operator has height 1."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    begin: tuple[int, int]
    end: tuple[int, int]
    extra: tuple[int, int] = (0, 0)  # part of `end` that ceil_mode adds

    def attributes(self) -> dict[str, int | float]:
        """As the core's operators take them."""
        return {
            "kernel_h": self.kernel[0],
            "kernel_w": self.kernel[1],
            "stride_h": self.stride[0],
            "stride_w": self.stride[1],
            "dilation_h": self.dilation[0],
            "dilation_w": self.dilation[1],
            "pad_top": self.begin[0],
            "pad_left": self.begin[1],
            "pad_bottom": self.end[0],
            "pad_right": self.end[1],
        }


GLOBAL = Window((0, 0), (1, 1), (1, 1), (0, 0), (0, 0))


def window_of(low: Lowering, node: ir.Node, kernel: list[int]) -> Window:
    """The window of a node whose filter has these spatial sizes."""
    x = node.inputs[0]
    assert x is not None
    spatial = list(low.shape(x)[2:])
    rank = len(spatial)
    if rank not in (1, 2) or len(kernel) != rank:
        raise refuse(node, f"has {rank} spatial axes", "the core takes one or two")
    stride, dilation = ints(node, "strides", [1] * rank), ints(node, "dilations", [1] * rank)
    pads = ints(node, "pads", [0] * 2 * rank)
    begin, end = pads[:rank], pads[rank:]
    span = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    mode = node.attributes.get_string("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        total = [max((-(-i // s) - 1) * s + k - i, 0) for i, s, k in zip(spatial, stride, span, strict=True)]
        begin = [t // 2 if mode == "SAME_UPPER" else -(-t // 2) for t in total]
        end = [t - b for t, b in zip(total, begin, strict=True)]
    elif mode == "VALID":
        begin, end = [0] * rank, [0] * rank
    extra = [0] * rank
    if node.attributes.get_int("ceil_mode", 0):
        y = low.shape(node.outputs[0])[2:]
        extra = [
            max((out - 1) * s + k - (i + b + e), 0)
            for out, s, k, i, b, e in zip(y, stride, span, spatial, begin, end, strict=True)
        ]
        end = [e + x for e, x in zip(end, extra, strict=True)]
    if min(begin + end) < 0:
        raise refuse(node, "has negative pads", "run `slim simplify` first")
    if rank == 1:
        kernel, stride, dilation = [1, *kernel], [1, *stride], [1, *dilation]
        begin, end, extra = [0, *begin], [0, *end], [0, *extra]
    return Window(*((int(p[0]), int(p[1])) for p in (kernel, stride, dilation, begin, end, extra)))


def as_image(low: Lowering, node: ir.Node, value: ir.Value, *, quantized: bool) -> int:
    """The value as (N, H, W, C); a 1-D signal (N, C, W) gets height 1."""
    rank = len(low.shape(value))
    tensor = low.get(value, (0, *range(2, rank), 1), quantized)
    if rank == 3:
        _, channels, width = low.shape(value)
        tensor = low.reshape(tensor, [0, 1, width, channels])
    return tensor


def put_image(low: Lowering, value: ir.Value, tensor: int) -> None:
    """An (N, H, W, C) result is the value."""
    rank = len(low.shape(value))
    if rank == 3:
        _, channels, width = low.shape(value)
        tensor = low.reshape(tensor, [0, width, channels])
    low.put(value, tensor, (0, *range(2, rank), 1))
