"""Depthwise between other convolutions as one operator, where the tensors between would leave the cache.

Takes the nodes Conv 1x1 (which may be absent), clamp, depthwise Conv, clamp, Conv 1x1, residual Add, clamp, each read
by the next alone; or, without a residual, with a network's first Conv instead of the 1x1, unless the outputs are the
largest tensor then, which the operator that follows waits for (MobileNetV1: three operators 1.34 ms, two 1.40).
`convolution.py` asks before it lowers a Conv by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from slim.core.format import Type
from slim.lower import panels
from slim.lower.activations import FLOAT_MAX, Chain, claim, follow
from slim.lower.arithmetic import splits_bottleneck
from slim.lower.context import Lowering
from slim.lower.image import first_layer
from slim.lower.window import Window, as_image, put_image, window_of

# bytes of the largest tensor between: below, they stay in a second-level cache of 1 MB by themselves
LEAST_BYTES = 512 << 10
_POINTWISE = ((1, 1), (1, 1), (1, 1), (0, 0), (0, 0))


@dataclass(frozen=True)
class _Convolution:
    node: ir.Node
    window: Window
    depthwise: bool
    chain: Chain

    @property
    def pointwise(self) -> bool:
        w = self.window
        return (w.kernel, w.stride, w.dilation, w.begin, w.end) == _POINTWISE and not self.depthwise

    def limits(self, prefix: str = "") -> dict[str, int | float]:
        """The clamp as attributes."""
        return {f"{prefix}lo": max(self.chain.lo, -FLOAT_MAX), f"{prefix}hi": min(self.chain.hi, FLOAT_MAX)}


def lower_bottleneck(low: Lowering, node: ir.Node) -> bool:
    """One operator for the Conv `node` and those that follow it; False, and nothing done, where they do not fit."""
    first = _read(low, node)
    if first is None:
        return False
    image = not first.depthwise and first_layer(low, node, first.window, 1) == "conv_image_f32"
    expand = first if first.pointwise or image else None
    depthwise = _next(low, first) if expand else first
    if depthwise is None or not depthwise.depthwise:
        return False
    project = _next(low, depthwise, residual=not image)
    if project is None or not project.pointwise:
        return False
    outputs, channels = (low.shape(c.node.outputs[0])[1] for c in (project, depthwise))
    if image and outputs > channels:
        return False
    between = [depthwise] if expand is None else [expand, depthwise]
    if max(4 * int(np.prod(low.shape(c.node.outputs[0]))) for c in between) < LEAST_BYTES:
        return False
    expanded = low.shape(first.node.inputs[0])[1] if first.pointwise and first.node.inputs[0] else 0
    if low.bf16 and low.winograd and splits_bottleneck(expanded, outputs):
        return False
    _emit(low, expand, depthwise, project, image=image)
    return True


def _emit(
    low: Lowering, expand: _Convolution | None, depthwise: _Convolution, project: _Convolution, *, image: bool
) -> None:
    first = expand or depthwise
    node, x = first.node, first.node.inputs[0]
    assert x is not None
    channels, outputs = (low.shape(c.node.outputs[0])[1] for c in (depthwise, project))
    inputs: list[int | None] = [low.get(x) if image else as_image(low, node, x, quantized=False)]
    for convolution in (expand, depthwise, project):
        inputs += [None, None] if convolution is None else _weights(low, convolution)
    if project.chain.residual is not None:
        inputs.append(as_image(low, node, project.chain.residual, quantized=False))
    attributes: dict[str, int | float] = {
        **depthwise.window.attributes(),
        "channels": channels,
        "out_channels": outputs,
        "expand_lo": -FLOAT_MAX,
        "expand_hi": FLOAT_MAX,
        **(expand.limits("expand_") if expand else {}),
        **depthwise.limits("depthwise_"),
        **project.limits(),
    }
    if image:
        attributes |= {f"image_{name}": value for name, value in first.window.attributes().items()}
    kind = "stem_f32" if image else "bottleneck_f32"
    tensor = low.builder.operator(kind, inputs, Type.F32, attributes, name=node.name or "")
    for convolution in (expand, depthwise, project):
        if convolution is not None:
            low.done.add(convolution.node)
            claim(low, convolution.chain)
    put_image(low, project.chain.value, tensor)


def _weights(low: Lowering, convolution: _Convolution) -> list[int | None]:
    """Packed weights and bias."""
    node = convolution.node
    weights, bias = low.constant(node.inputs[1]), low.constant(node.inputs[2] if len(node.inputs) > 2 else None)
    assert weights is not None
    taps_last = weights.astype(np.float32).reshape(*weights.shape[:2], -1).transpose(0, 2, 1)
    flat = taps_last.reshape(weights.shape[0], -1)
    packed = panels.depthwise(flat) if convolution.depthwise else panels.gemm_f32(flat)
    vector = np.zeros(weights.shape[0], np.float32) if bias is None else bias.astype(np.float32)
    return [low.place_constant(packed), low.place_constant(panels.vector(vector))]


def _next(low: Lowering, before: _Convolution, *, residual: bool = False) -> _Convolution | None:
    """The Conv that alone reads what this one gives."""
    node = low.sole_consumer(before.chain.value)
    if node is None or node in low.done or node.op_type != "Conv" or node.inputs[0] is not before.chain.value:
        return None
    return _read(low, node, residual=residual)


def _read(low: Lowering, node: ir.Node, *, residual: bool = False) -> _Convolution | None:
    """A 2-D convolution with constant weights that is depthwise or has one group."""
    weights, bias = node.inputs[1], node.inputs[2] if len(node.inputs) > 2 else None
    if (
        weights is None
        or len(low.shape(weights)) != 4
        or any(v is not None and not _is_known(v) for v in (weights, bias))
    ):
        return None
    shape, groups = low.shape(weights), node.attributes.get_int("group", 1) or 1
    depthwise = groups > 1 and shape[1] == 1 and shape[0] == groups
    if groups != 1 and not depthwise:
        return None
    chain = follow(low, node.outputs[0], residual=residual)
    return _Convolution(node, window_of(low, node, list(shape[2:])), depthwise, chain)


def _is_known(value: ir.Value) -> bool:
    """A constant whose array need not be read to know that."""
    return value.const_value is not None
