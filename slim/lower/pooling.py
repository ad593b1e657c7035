"""Pools: max, average, global; in fp32 or on stored integers."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from slim.core.format import Type
from slim.lower.activations import claim, target
from slim.lower.context import Lowering
from slim.lower.rules import ints, refuse, rule
from slim.lower.window import GLOBAL, Window, as_image, put_image, window_of


@rule("MaxPool", "GlobalMaxPool")
def lower_max_pool(low: Lowering, node: ir.Node) -> None:
    """The largest value of each window; integers keep their scale."""
    x = node.inputs[0]
    assert x is not None
    if len(node.outputs) > 1 and node.outputs[1].uses():
        raise refuse(node, "gives out the indices of the maxima")
    window = GLOBAL if node.op_type == "GlobalMaxPool" else window_of(low, node, ints(node, "kernel_shape", []))
    quantized = low.is_quantized(x)
    image = as_image(low, node, x, quantized=quantized)
    put_image(low, node.outputs[0], low.like("max_pool", image, window.attributes(), node.name or ""))


@rule("AveragePool", "GlobalAveragePool")
def lower_average_pool(low: Lowering, node: ir.Node) -> None:
    """The mean of each window."""
    x = node.inputs[0]
    assert x is not None
    window = GLOBAL if node.op_type == "GlobalAveragePool" else window_of(low, node, ints(node, "kernel_shape", []))
    average(low, node, x, window)


def average(low: Lowering, node: ir.Node, x: ir.Value, window: Window) -> None:
    """The mean of each window of x, which is the node's output."""
    attributes: dict[str, int | float] = {
        **window.attributes(),
        "count_include_pad": node.attributes.get_int("count_include_pad", 0) or 0,
        "extra_bottom": window.extra[0],
        "extra_right": window.extra[1],
    }
    found = target(low, node.outputs[0]) if low.is_quantized(x) else None
    if found is None:
        image = as_image(low, node, x, quantized=False)
        put_image(low, node.outputs[0], low.like("average_pool_f32", image, attributes, node.name or ""))
        return
    image = as_image(low, node, x, quantized=True)
    scale = np.float32(low.builder.quantization_of(image)[0]) / found.scale
    attributes |= {"scale": float(scale), "lo": found.lo, "hi": found.hi}
    tensor = low.builder.operator(
        "average_pool_u8",
        [image],
        Type.U8,
        attributes,
        name=node.name or "",
        scale=float(found.scale),
        zero_point=found.zero_point,
    )
    claim(low, found.chain)
    put_image(low, found.chain.value, tensor)


@rule("LRN")
def lower_lrn(low: Lowering, node: ir.Node) -> None:
    """Local response normalization across channels."""
    x = node.inputs[0]
    assert x is not None
    attributes = {
        "size": node.attributes.get_int("size", 1) or 1,
        "alpha": node.attributes.get_float("alpha", 1e-4),
        "beta": node.attributes.get_float("beta", 0.75),
        "bias": node.attributes.get_float("bias", 1.0),
    }
    image = as_image(low, node, x, quantized=False)
    put_image(
        low, node.outputs[0], low.builder.operator("lrn_f32", [image], Type.F32, attributes, name=node.name or "")
    )
