"""Which convolutions take an image as it comes in, a few channels stored one plane after the other, and how."""

from __future__ import annotations

import onnx_ir as ir

from slim.lower.context import Lowering, Order, plain_order
from slim.lower.window import Window

NARROW = 16  # columns of output: a row of fewer does not fill the tiles of AVX-512, 14 or 16 pixels


def in_planes(shape: tuple[int, ...], order: Order) -> bool:
    """A few channels that are stored one plane after the other."""
    return len(shape) == 4 and shape[1] <= 4 and order == plain_order(4)


def is_image(low: Lowering, x: ir.Value, window: Window, groups: int) -> bool:
    """Such channels, and a window of more than one column over them."""
    planes = in_planes(low.shape(x), low.order_of(x))
    return planes and groups == 1 and window.dilation == (1, 1) and window.kernel[1] > 1


def first_layer(low: Lowering, node: ir.Node, window: Window, groups: int) -> str | None:
    """The operator for a Conv in fp32 of an image as it comes in; None where it reads something else."""
    assert node.inputs[0] is not None
    if not is_image(low, node.inputs[0], window, groups):
        return None
    if low.winograd and _suits_winograd(low, node, window):
        return "winograd_image_f32"
    return "conv_narrow_f32" if low.shape(node.outputs[0])[3] < NARROW else "conv_image_f32"


def _suits_winograd(low: Lowering, node: ir.Node, window: Window) -> bool:
    """Stride 2, filters large enough to pay for the transforms, and an image of more than a tile or two."""
    size, outputs = min(low.shape(node.outputs[0])[2:]), low.shape(node.outputs[0])[1]
    return (
        window.stride == (2, 2) and 5 <= min(window.kernel) <= max(window.kernel) <= 8 and size >= 8 and outputs >= 16
    )
