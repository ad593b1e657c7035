"""Conv: depthwise or general, in fp32 or in integers, with the clamp, residual add and quantizer that follow it."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from slim.core.format import PANEL, Type
from slim.lower import panels
from slim.lower.activations import FLOAT_MAX, claim, follow
from slim.lower.arithmetic import suits_bf16
from slim.lower.bottleneck import lower_bottleneck
from slim.lower.context import Lowering
from slim.lower.image import first_layer, is_image
from slim.lower.integers import IntegerLayer, integer_layer
from slim.lower.rules import refuse, rule
from slim.lower.strassen import suits_strassen
from slim.lower.window import Window, as_image, put_image, window_of

WINOGRAD_FILTER = 33  # tenths of a product that transforming a filter's channel takes for each point
STRIDE2_FILTER = 400  # the same with stride 2, where sums of rows are all that is stored
STRIDE2_ROW = 1 << 14  # tiles of a row times channels: 5 MB of transformed image


@rule("Conv")
def lower_conv(low: Lowering, node: ir.Node) -> None:
    """y = conv(x, w) + b; weights must be constant."""
    x, w = node.inputs[0], node.inputs[1]
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    if x is None or w is None:
        raise refuse(node, "has no input or no weights")
    weight_shape = low.shape(w)
    window = window_of(low, node, list(weight_shape[2:]))
    groups = node.attributes.get_int("group", 1) or 1
    depthwise = groups > 1 and weight_shape[1] == 1 and weight_shape[0] == groups
    integer = integer_layer(low, x, w, bias, node.outputs[0])
    if integer is not None:
        _lower_integer(low, node, x, window, groups, depthwise, integer)
        return
    if lower_bottleneck(low, node):
        return
    weights = low.constant(w)
    bias_array = low.constant(bias)
    if weights is None or (bias is not None and bias_array is None):
        raise refuse(node, "has weights that are computed at run time", "the core takes constant weights")
    if bias_array is None:
        bias_array = np.zeros(weight_shape[0], np.float32)
    _lower_float(low, node, x, window, groups, depthwise, weights.astype(np.float32), bias_array.astype(np.float32))


def _lower_float(
    low: Lowering,
    node: ir.Node,
    x: ir.Value,
    window: Window,
    groups: int,
    depthwise: bool,
    weights: np.ndarray,
    bias: np.ndarray,
) -> None:
    outputs = weights.shape[0]
    image = first_layer(low, node, window, groups)
    chain = follow(low, node.outputs[0], residual=not depthwise and not image)
    inputs: list[int | None] = [low.get(x) if image else as_image(low, node, x, quantized=False)]
    attributes: dict[str, int | float] = {
        **window.attributes(),
        "lo": max(chain.lo, -FLOAT_MAX),
        "hi": min(chain.hi, FLOAT_MAX),
    }
    if depthwise:
        kind = "depthwise_f32"
        inputs.append(low.place_constant(panels.depthwise(weights.reshape(outputs, -1))))
        inputs.append(low.place_constant(panels.vector(bias)))
    else:
        pixels = int(np.prod(low.shape(node.outputs[0]))) // outputs
        product = (window.kernel, window.begin, window.end, groups) == ((1, 1), (0, 0), (0, 0), 1)
        kind = "winograd_f32" if low.winograd and _suits_winograd(low, node, window, groups) else "conv_f32"
        if low.winograd and _suits_winograd_stride2(low, node, window, groups):
            kind = "winograd_stride2_f32"
        if low.winograd and product and suits_strassen(pixels, weights.shape[1], outputs):
            kind = "strassen_f32"
        taps_last = weights.reshape(*weights.shape[:2], -1).transpose(0, 2, 1)
        packed = None
        worth = groups == 1 and not image and suits_bf16(weights.shape[1], outputs)
        if low.bf16 and worth and (kind != "winograd_f32" or _bf16_beats_winograd(low, node)):
            packed = panels.gemm_bf16(taps_last)
        if packed is None and kind == "winograd_f32":
            packed = panels.winograd_f32(taps_last.astype(np.float32))
        elif packed is None:
            rows = taps_last.reshape(groups, outputs // groups, -1)
            packed = np.concatenate([panels.gemm_f32(group) for group in rows])
        else:
            kind = "conv_bf16"
        inputs.append(low.place_constant(packed))
        inputs.append(low.place_constant(np.concatenate([panels.vector(group) for group in bias.reshape(groups, -1)])))
        attributes |= {"groups": groups, "out_channels": outputs}
        if image:
            kind = image
            del attributes["groups"]
        if kind == "conv_bf16":
            del attributes["groups"]
        if kind == "strassen_f32":
            attributes = {name: attributes[name] for name in ("stride_h", "stride_w", "out_channels", "lo", "hi")}
        if chain.residual is not None:
            inputs.append(as_image(low, node, chain.residual, quantized=False))
    tensor = low.builder.operator(kind, inputs, Type.F32, attributes, name=node.name or "")
    claim(low, chain)
    put_image(low, chain.value, tensor)


def _suits_winograd(low: Lowering, node: ir.Node, window: Window, groups: int) -> bool:
    """3x3 with stride 1, channels enough to pay for transforming the image, and pixels for the filters."""
    if (window.kernel, window.stride, window.dilation) != ((3, 3), (1, 1), (1, 1)) or groups != 1:
        return False
    assert node.inputs[0] is not None
    winograd, direct = _winograd_cost(low, node)
    return min(low.shape(node.inputs[0])[1], low.shape(node.outputs[0])[1]) >= 16 and 10 * winograd < 9 * direct


def _winograd_cost(low: Lowering, node: ir.Node) -> tuple[int, int]:
    """Tenths of products of a filter's channel: by Winograd's algorithm, and directly."""
    batch, _, height, width = low.shape(node.outputs[0])
    costs = [
        10 * batch * _winograd_points(height, tiles) * _winograd_points(width, tiles) + WINOGRAD_FILTER * points**2
        for tiles, points in (((4, 3), 6), ((6, 4, 3), 8))
    ]
    return min(costs), 90 * batch * height * width


def _winograd_points(size: int, tiles: tuple[int, ...]) -> int:
    """The fewest points of tiles side by side that cover so many pixels: each has two more than outputs."""
    points = [0]
    for covered in range(1, size + 1):
        points.append(min(tile + 2 + points[max(covered - tile, 0)] for tile in tiles))
    return points[size]


def _bf16_beats_winograd(low: Lowering, node: ir.Node) -> bool:
    """Half the time of direct convolution is less than that of Winograd's in fp32: images of 7x7, mostly."""
    winograd, direct = _winograd_cost(low, node)
    return 10 * direct < 21 * winograd


def _suits_winograd_stride2(low: Lowering, node: ir.Node, window: Window, groups: int) -> bool:
    """3x3 with stride 2, filters to pay for transforming the image, pixels for the filters, and no very wide image."""
    if (window.kernel, window.stride, window.dilation) != ((3, 3), (2, 2), (1, 1)) or groups != 1:
        return False
    assert node.inputs[0] is not None
    channels, (batch, outputs, height, width) = low.shape(node.inputs[0])[1], low.shape(node.outputs[0])
    rows, columns = -(-height // 4), -(-width // 4)  # tiles of 4, or of 3 where those would hang over the edge
    points = [9 * tiles - 2 * min(tiles, 4 * tiles - size) for tiles, size in ((rows, height), (columns, width))]
    products, direct = batch * points[0] * points[1], 9 * batch * height * width
    image = 400 * batch * rows * columns // -(-outputs // PANEL)  # tenths of a product of a filter's channel
    return (
        min(channels, outputs) >= 16
        and columns * channels <= STRIDE2_ROW
        and 11 * products + STRIDE2_FILTER + image < 10 * direct
    )


def _lower_integer(
    low: Lowering, node: ir.Node, x: ir.Value, window: Window, groups: int, depthwise: bool, layer: IntegerLayer
) -> None:
    outputs = layer.weights.shape[0]
    attributes: dict[str, int | float] = {**window.attributes(), **layer.clamp}
    if is_image(low, x, window, groups):
        kind = "conv_image_u8"
        quantizer = low.quantizer(x)
        image = quantizer.tensor if quantizer else low.get(x, quantized=True)
        weights = panels.image_u8(layer.weights)
        table = panels.channels(layer.bias, layer.weight_sums, layer.multiplier)
        attributes |= {
            "out_channels": outputs,
            "image_scale": quantizer.scale if quantizer else 0.0,
            "image_zero_point": quantizer.zero_point if quantizer else 0,
        }
    elif depthwise and layer.target:
        kind = "depthwise_u8"
        image = as_image(low, node, x, quantized=True)
        weights = panels.depthwise(layer.weights.reshape(outputs, -1))
        table = panels.channels(layer.bias, layer.weight_sums, layer.multiplier)
        del attributes["flo"], attributes["fhi"]
    else:
        kind = "conv_u8"
        image = as_image(low, node, x, quantized=True)
        per_group = outputs // groups
        taps_last = layer.weights.reshape(*layer.weights.shape[:2], -1).transpose(0, 2, 1)
        slices = [slice(g * per_group, (g + 1) * per_group) for g in range(groups)]
        weights = np.concatenate([panels.gemm_u8(taps_last[s]) for s in slices])
        table = np.concatenate(
            [panels.channels(layer.bias[s], layer.weight_sums[s], layer.multiplier[s]) for s in slices]
        )
        attributes |= {"groups": groups, "out_channels": outputs}
    assert table.shape[1:] == (3, PANEL)
    output = Type.U8 if layer.target else Type.F32
    inputs = [image, low.place_constant(weights), low.place_constant(table)]
    scale, zero_point = (float(layer.target.scale), layer.target.zero_point) if layer.target else (0.0, 0)
    tensor = low.builder.operator(
        kind, inputs, output, attributes, name=node.name or "", scale=scale, zero_point=zero_point
    )
    claim(low, layer.chain)
    put_image(low, layer.chain.value, tensor)
