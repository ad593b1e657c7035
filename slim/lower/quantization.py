"""QuantizeLinear and DequantizeLinear that no integer operator took: conversions at the edges of the integer parts."""

from __future__ import annotations

import onnx_ir as ir

from slim.lower.activations import quantizer
from slim.lower.context import Lowering, Quantizer
from slim.lower.image import in_planes
from slim.lower.movement import requantized
from slim.lower.rules import refuse, rule


@rule("QuantizeLinear")
def lower_quantize(low: Lowering, node: ir.Node) -> None:
    """Real numbers to stored integers; stored integers to others."""
    x, y = node.inputs[0], node.outputs[0]
    assert x is not None
    found = quantizer(low, node)
    if found is None:
        raise refuse(node, "does not quantize to 8 bits with one constant scale", "quantize activations per tensor")
    scale, zero_point = float(found[0]), found[1]
    if low.is_quantized(x):
        tensor, order = low.native(x, True)
        low.put(y, requantized(low, tensor, scale, zero_point), order)
        return
    tensor, order = low.native(x)
    low.put_quantizer(y, Quantizer(tensor, order, scale, zero_point, node.name or ""))
    if not in_planes(low.shape(y), order):  # which a first convolution makes bytes itself
        low.forms_of(y)


@rule("DequantizeLinear")
def lower_dequantize(low: Lowering, node: ir.Node) -> None:
    """The output is the same value; a float form is made where somebody asks for one."""
    x, y = node.inputs[0], node.outputs[0]
    assert x is not None
    if low.constant(y) is not None:
        return
    if not low.is_quantized(x):
        raise refuse(node, "dequantizes integers that no 8-bit QuantizeLinear made")
    low.share(y, x)
