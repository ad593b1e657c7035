"""What makes images larger, or trades channels for pixels: ConvTranspose, Resize, DepthToSpace, SpaceToDepth."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from slim.core.format import Type
from slim.lower import panels
from slim.lower.context import Lowering, channels_last
from slim.lower.rules import ints, refuse, rule
from slim.lower.window import Window, as_image, put_image

_COORDINATES = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")  # as the core numbers them
_ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


@rule("ConvTranspose")
def lower_conv_transpose(low: Lowering, node: ir.Node) -> None:
    """x (N, C, H, W) with constant weights (C, O / groups, kh, kw) and bias (O,)."""
    x, w = node.inputs[0], node.inputs[1]
    assert x is not None
    weights = low.constant(w)
    given = node.inputs[2] if len(node.inputs) > 2 else None
    bias = low.constant(given)
    if weights is None or (given is not None and bias is None):
        raise refuse(node, "has weights that are computed at run time", "the core takes constant weights")
    if weights.ndim not in (3, 4):
        raise refuse(node, f"has {weights.ndim - 2} spatial axes", "the core takes one or two")
    groups = node.attributes.get_int("group", 1) or 1
    per_group = weights.shape[1]
    window, more = _transposed_window(low, node, weights.shape[2:])
    taps = weights.reshape(groups, weights.shape[0] // groups, per_group, -1).transpose(0, 3, 2, 1)
    packed = np.stack([panels.gemm_f32(tap) for tap in taps.reshape(-1, *taps.shape[2:])])
    if bias is None:
        bias = np.zeros(groups * per_group, np.float32)
    padded = np.concatenate([panels.vector(part) for part in bias.reshape(groups, per_group)])
    attributes: dict[str, int | float] = {
        **window.attributes(),
        "groups": groups,
        "out_channels": groups * per_group,
        "output_pad_h": more[0],
        "output_pad_w": more[1],
    }
    inputs = [as_image(low, node, x, quantized=False), low.place_constant(packed), low.place_constant(padded)]
    tensor = low.builder.operator("conv_transpose_f32", inputs, Type.F32, attributes, name=node.name or "")
    put_image(low, node.outputs[0], tensor)


def _transposed_window(low: Lowering, node: ir.Node, kernel: tuple[int, ...]) -> tuple[Window, tuple[int, int]]:
    """The window and the output padding. The graph knows the output's size; where padding is automatic it follows."""
    assert node.inputs[0] is not None
    rank = len(kernel)
    before, after = low.shape(node.inputs[0])[2:], low.shape(node.outputs[0])[2:]
    stride, dilation = ints(node, "strides", [1] * rank), ints(node, "dilations", [1] * rank)
    more, pads = ints(node, "output_padding", [0] * rank), ints(node, "pads", [0] * 2 * rank)
    begin, end = pads[:rank], pads[rank:]
    mode = node.attributes.get_string("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER") or node.attributes.get_ints("output_shape"):
        free = [
            s * (i - 1) + m + d * (k - 1) + 1
            for s, i, m, d, k in zip(stride, before, more, dilation, kernel, strict=True)
        ]
        total = [f - o for f, o in zip(free, after, strict=True)]
        begin = [t // 2 if mode == "SAME_UPPER" else t - t // 2 for t in total]
        end = [t - b for t, b in zip(total, begin, strict=True)]
    if min(begin + end) < 0:
        raise refuse(node, "has negative pads")
    front = 2 - rank  # a 1-D signal is an image of height 1
    pairs = [
        (*[fill] * front, *numbers)
        for fill, numbers in ((1, kernel), (1, stride), (1, dilation), (0, begin), (0, end), (0, more))
    ]
    two = [(int(pair[0]), int(pair[1])) for pair in pairs]
    return Window(two[0], two[1], two[2], two[3], two[4]), two[5]


@rule("Resize")
def lower_resize(low: Lowering, node: ir.Node) -> None:
    """Nearest neighbour or linear, of height and width."""
    x, y = node.inputs[0], node.outputs[0]
    assert x is not None
    before, after = low.shape(x), low.shape(y)
    mode = node.attributes.get_string("mode", "nearest")
    coordinates = node.attributes.get_string("coordinate_transformation_mode", "half_pixel")
    rounding = node.attributes.get_string("nearest_mode", "round_prefer_floor")
    policy = node.attributes.get_string("keep_aspect_ratio_policy", "stretch")
    if mode not in ("nearest", "linear") or coordinates not in _COORDINATES or rounding not in _ROUNDINGS:
        raise refuse(node, f"resizes in mode {mode!r}, {coordinates!r}, {rounding!r}")
    if node.attributes.get_int("antialias", 0) or policy != "stretch":
        raise refuse(node, "filters while it shrinks, or keeps the aspect ratio")
    if len(before) not in (3, 4) or before[:2] != after[:2]:
        raise refuse(node, "resizes other axes than height and width")
    scales = [out / size for out, size in zip(after[2:], before[2:], strict=True)]
    given = low.constant(node.inputs[2]) if len(node.inputs) > 2 else None
    if given is not None and given.size:
        axes = [axis % len(before) for axis in ints(node, "axes", list(range(len(before))))]
        for axis, scale in zip(axes, given.reshape(-1), strict=True):
            if axis >= 2:
                scales[axis - 2] = float(scale)
    scales = [1.0] * (2 - len(scales)) + scales
    size = [1] * (4 - len(after)) + list(after[2:])
    attributes: dict[str, int | float] = {
        "mode": int(mode == "linear"),
        "coordinates": _COORDINATES.index(coordinates),
        "nearest": _ROUNDINGS.index(rounding),
        "out_h": size[0],
        "out_w": size[1],
        "scale_h": scales[0],
        "scale_w": scales[1],
    }
    image = as_image(low, node, x, quantized=False)
    put_image(low, y, low.builder.operator("resize_f32", [image], Type.F32, attributes, name=node.name or ""))


@rule("DepthToSpace", "SpaceToDepth")
def lower_depth_space(low: Lowering, node: ir.Node) -> None:
    """Blocks of channels become blocks of pixels, or the reverse: axes are split, moved and merged, channels last."""
    x, y = node.inputs[0], node.outputs[0]
    assert x is not None
    block = node.attributes.get_int("blocksize", 1) or 1
    _, channels, height, width = low.shape(x)
    _, out_channels, out_height, out_width = low.shape(y)
    quantized = low.is_quantized(x)
    tensor = low.get(x, channels_last(4), quantized)
    if node.op_type == "SpaceToDepth":
        split, moved = [0, out_height, block, out_width, block, channels], (0, 1, 3, 2, 4, 5)
    elif node.attributes.get_string("mode", "DCR") == "DCR":
        split, moved = [0, height, width, block, block, out_channels], (0, 1, 3, 2, 4, 5)
    else:
        split, moved = [0, height, width, out_channels, block, block], (0, 1, 4, 2, 5, 3)
    tensor = low.reshape(tensor, split, node.name or "")
    tensor = low.like("transpose", tensor, {f"p{i}": axis for i, axis in enumerate(moved)}, node.name or "")
    merged = low.reshape(tensor, [0, out_height, out_width, out_channels], node.name or "")
    low.put(y, merged, channels_last(4), quantized=quantized)
