"""Random networks of one or a few layers, in fp32 and in QDQ: what `slim.lower` makes of them reaches every kernel.

Shapes are those that kernels find hard: 1 to 70 channels, images of 1 to 40 pixels, any stride, dilation, group, pad.
A network depends on nothing but the `random.Random` that it is given, which may be one that hypothesis shrinks.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
import onnx
from onnx import helper

from tests.nets import net

Feeds = dict[str, np.ndarray]


class Layers:
    """A network that grows at its end `top`, whose shape is `shape` (N, C, H, W or any other)."""

    def __init__(self, random: Random, shape: tuple[int, ...], *, integer: bool) -> None:
        self.random = random
        self.rng = np.random.default_rng(random.getrandbits(32))
        self.integer = integer
        self.shape = shape
        self.top = "x"
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {"no": np.int8(0)}
        self.feeds = {"x": self.rng.normal(size=shape).astype(np.float32)}
        if integer:
            self.top = self._quantized("x", 0.03, self.rng.integers(0, 256))

    def finish(self) -> tuple[onnx.ModelProto, Feeds]:
        self.nodes.append(helper.make_node("Identity", [self.top], ["y"]))
        inputs = {name: array.shape for name, array in self.feeds.items()}
        return net(self.nodes, inputs, ["y"], self.constants), self.feeds

    def add(self, kind: str, *operands: str, shape: tuple[int, ...] | None = None, **attributes: object) -> None:
        """One node on `top` and `operands`; its output is `top` from now on."""
        out = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [self.top, *operands], [out], **attributes))
        self.top, self.shape = out, self.shape if shape is None else shape

    def requantize(self, scale: float) -> None:
        """Where the network is one of integers, `top` becomes bytes."""
        if self.integer:
            self.top = self._quantized(self.top, scale, self.rng.integers(0, 256))

    def input(self, shape: tuple[int, ...]) -> str:
        """Another input."""
        name = f"x{len(self.feeds)}"
        self.feeds[name] = self.rng.normal(size=shape).astype(np.float32)
        return self._quantized(name, 0.02, self.rng.integers(0, 256)) if self.integer else name

    def weights(self, *shape: int) -> str:
        name = f"w{len(self.constants)}"
        if not self.integer:
            self.constants[name] = (self.rng.normal(size=shape) / np.sqrt(max(1, np.prod(shape[1:])))).astype(
                np.float32
            )
            return name
        self.constants[name] = self.rng.integers(-127, 128, shape).astype(np.int8)
        self.constants[f"{name}_s"] = np.float32(0.01 / np.sqrt(max(1, np.prod(shape[1:]))))
        self.nodes.append(helper.make_node("DequantizeLinear", [name, f"{name}_s", "no"], [f"{name}_r"]))
        return f"{name}_r"

    def vector(self, count: int) -> str:
        name = f"w{len(self.constants)}"
        self.constants[name] = self.rng.normal(size=count).astype(np.float32)
        return name

    def activation(self) -> None:
        kind = self.random.choice(["", "Relu", "Clip"])
        if kind == "Clip":
            self.constants |= {"low": np.float32(-0.25), "high": np.float32(1.5)}
            self.add("Clip", "low", "high")
        elif kind:
            self.add(kind)

    def _quantized(self, name: str, scale: float, zero_point: int) -> str:
        at = len(self.nodes)
        self.constants |= {f"s{at}": np.float32(scale), f"z{at}": np.uint8(zero_point)}
        self.nodes.append(helper.make_node("QuantizeLinear", [name, f"s{at}", f"z{at}"], [f"q{at}"]))
        self.nodes.append(helper.make_node("DequantizeLinear", [f"q{at}", f"s{at}", f"z{at}"], [f"d{at}"]))
        return f"d{at}"

    def convolve(
        self, outputs: int, kernel: tuple[int, int], *, groups: int = 1, stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1), pads: tuple[int, ...] = (0, 0, 0, 0), residual: bool = False,
    ) -> None:  # fmt: skip
        n, channels, height, width = self.shape
        weights = self.weights(outputs, channels // groups, *kernel)
        sides = [
            (side + pads[i] + pads[i + 2] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1
            for i, side in enumerate((height, width))
        ]
        shape = (n, outputs, *sides)
        bias = [] if self.integer else [self.vector(outputs)]
        self.add("Conv", weights, *bias, shape=shape, group=groups, strides=stride, dilations=dilation, pads=pads)
        if residual:
            self.requantize(0.03)
            self.add("Add", self.input(shape))
        self.activation()
        self.requantize(0.03)


def _window(random: Random, size: tuple[int, int], most: int) -> dict[str, tuple[int, ...]]:
    """A kernel with stride, dilation and pads that fits an image."""
    square, same = random.choice([1, 3, 3, 5, None]), random.randint(1, 3)
    kernel = (square, square) if square else (random.randint(1, most), random.randint(1, most))
    stride = (same, same) if random.random() < 0.7 else (random.randint(1, 3), random.randint(1, 3))
    dilation = (1, 1) if random.random() < 0.7 else (random.randint(1, 3), random.randint(1, 3))
    pads = [random.randint(0, kernel[i % 2] - 1 + (random.random() < 0.2)) for i in range(4)]
    for i in (0, 1):  # the window fits in
        missing = dilation[i] * (kernel[i] - 1) + 1 - size[i] - pads[i] - pads[i + 2]
        pads[i] += max(0, missing)
    return {"kernel": kernel, "stride": stride, "dilation": dilation, "pads": tuple(pads)}


def _image(random: Random, most: int = 40, multiple: int = 1, channels: int | None = None) -> tuple[int, int, int, int]:
    channels = multiple * random.randint(1, max(1, 70 // multiple)) if channels is None else channels
    return (random.choice([1, 1, 2]), channels, random.randint(1, most), random.randint(1, most))


def convolution(random: Random, integer: bool) -> Layers:
    groups = random.choice([1, 1, 2, 3])
    layers = Layers(random, _image(random, 20, groups), integer=integer)
    window = _window(random, layers.shape[2:], 5)  # type: ignore[arg-type]
    layers.convolve(groups * random.randint(1, 70 // groups), groups=groups, residual=random.random() < 0.3, **window)  # type: ignore[arg-type]
    return layers


def pointwise(random: Random, integer: bool) -> Layers:
    layers = Layers(random, _image(random), integer=integer)
    layers.convolve(random.randint(1, 70), (1, 1), residual=random.random() < 0.5)
    return layers


def square(random: Random, integer: bool) -> Layers:
    """What Winograd takes: 3x3 with stride 1; of bytes, larger images of multiples of 32 channels."""
    shape = _image(random, channels=random.randint(8, 70))
    if random.random() < 0.5:
        shape = (1, 32 * random.randint(1, 2), random.randint(24, 40), random.randint(24, 40))
    layers = Layers(random, shape, integer=integer)
    layers.convolve(random.randint(8, 70), (3, 3), pads=(1, 1, 1, 1), residual=random.random() < 0.5)
    return layers


def small(random: Random, integer: bool) -> Layers:
    """What Winograd takes where four tiles are an image."""
    shape = (1, random.randint(16, 70), random.randint(6, 8), random.randint(6, 8))
    layers = Layers(random, shape, integer=integer)
    layers.convolve(random.randint(16, 70), (3, 3), pads=(1, 1, 1, 1), residual=random.random() < 0.5)
    return layers


def halving(random: Random, integer: bool) -> Layers:
    """What Winograd takes with stride 2."""
    layers = Layers(random, _image(random, 60, channels=random.randint(12, 70)), integer=integer)
    pads = tuple(random.randint(1, 2) for _ in range(4))
    layers.convolve(random.randint(12, 100), (3, 3), stride=(2, 2), pads=pads, residual=random.random() < 0.5)
    return layers


def depthwise(random: Random, integer: bool) -> Layers:
    layers = Layers(random, _image(random), integer=integer)
    layers.convolve(layers.shape[1], groups=layers.shape[1], **_window(random, layers.shape[2:], 6))  # type: ignore[arg-type]
    return layers


def first(random: Random, integer: bool) -> Layers:
    """The first convolution of a network of images."""
    layers = Layers(
        random, (1, random.choice([1, 3, 3, 4]), random.randint(8, 40), random.randint(8, 40)), integer=integer
    )
    size, stride = random.randint(3, 8), random.choice([1, 2, 2])
    layers.convolve(random.choice([8, 16, 24, 33, 64]), (size, size), stride=(stride, stride), pads=(size // 2,) * 4)
    return layers


def bottleneck(random: Random, integer: bool) -> Layers:
    """Expansion, depthwise, projection, at sizes where they become one operator."""
    side, channels = random.randint(56, 70), random.choice([8, 16, 24])
    layers = Layers(random, (1, channels, side, side), integer=integer)
    middle, stride = random.choice([32, 48, 96]), random.choice([1, 2])
    layers.convolve(middle, (1, 1))
    layers.convolve(middle, (3, 3), groups=middle, stride=(stride, stride), pads=(1, 1, 1, 1))
    layers.convolve(random.choice([8, 24]), (1, 1))
    return layers


def stem(random: Random, integer: bool) -> Layers:
    """A first convolution, depthwise, projection, at sizes where they become one operator."""
    shape = (1, random.choice([1, 3, 4]), random.randint(112, 130), random.randint(130, 140))
    layers = Layers(random, shape, integer=integer)
    middle, stride = random.choice([33, 40, 48]), random.choice([1, 2])
    layers.convolve(middle, (3, 3), stride=(2, 2), pads=(1, 1, 1, 1))
    layers.convolve(middle, (3, 3), groups=middle, stride=(stride, stride), pads=(1, 1, 1, 1))
    layers.convolve(random.choice([8, 24]), (1, 1))
    return layers


def pool(random: Random, integer: bool) -> Layers:
    layers = Layers(random, _image(random, 20), integer=integer)
    if random.random() < 0.25:
        layers.add("GlobalAveragePool")
    else:
        window = _window(random, layers.shape[2:], 4)  # type: ignore[arg-type]
        kernel = window["kernel"]
        pads = [min(pad, kernel[i % 2] - 1) for i, pad in enumerate(window["pads"])]
        kernel = tuple(min(kernel[i], layers.shape[2 + i] + pads[i] + pads[i + 2]) for i in (0, 1))
        pads = [min(pad, kernel[i % 2] - 1) for i, pad in enumerate(pads)]
        more = {"count_include_pad": random.randint(0, 1)} if random.random() < 0.5 else None
        kind = "MaxPool" if more is None else "AveragePool"
        layers.add(kind, kernel_shape=kernel, strides=window["stride"], pads=pads, **(more or {}))
    layers.requantize(0.03)
    return layers


def dense(random: Random, integer: bool) -> Layers:
    rows, inputs, outputs = random.choice([1, 1, random.randint(2, 70)]), random.randint(1, 300), random.randint(1, 300)
    layers = Layers(random, (rows, inputs), integer=integer)
    layers.add("Gemm", layers.weights(outputs, inputs), transB=1, shape=(rows, outputs))
    layers.activation()
    layers.requantize(0.03)
    return layers


def large(random: Random, integer: bool) -> Layers:
    """A product that Strassen's algorithm takes."""
    if random.random() < 0.5:
        pixels, channels, outputs = random.randint(100, 300), 2 * random.randint(128, 140), random.randint(128, 200)
        layers = Layers(random, (1, pixels, channels), integer=integer)
        layers.add("MatMul", layers.weights(channels, outputs), shape=(1, pixels, outputs))
        layers.activation()
        layers.requantize(0.03)
        return layers
    layers = Layers(random, (1, 256, random.randint(12, 24), random.randint(12, 24)), integer=integer)
    layers.convolve(random.randint(128, 150), (1, 1), residual=random.random() < 0.5)
    return layers


def attention(random: Random, integer: bool) -> Layers:
    """Products of two activations, softmax, layer normalization."""
    heads, rows, width = random.randint(1, 3), random.randint(1, 40), random.randint(4, 70)
    layers = Layers(random, (heads, rows, width), integer=integer)
    layers.add("MatMul", layers.input((heads, width, rows)), shape=(heads, rows, rows))
    layers.add("Softmax", axis=-1)
    layers.add("MatMul", layers.input((heads, rows, width)), shape=(heads, rows, width))
    layers.add("LayerNormalization", layers.vector(width), layers.vector(width), axis=-1)
    return layers


def elementwise(random: Random, integer: bool) -> Layers:
    layers = Layers(random, _image(random, 20), integer=integer)
    kind = random.choice(["Add", "Mul", "Sigmoid", "Tanh", "HardSwish", "Exp", "Erf", "Gelu"])
    if kind in ("Add", "Mul"):
        layers.add(kind, layers.input(layers.shape))
    else:
        layers.add("Tanh" if kind == "Gelu" and integer else kind)
    layers.requantize(0.02)
    return layers


KINDS: dict[str, Callable[[Random, bool], Layers]] = {
    made.__name__: made
    for made in (
        convolution, pointwise, square, small, halving, depthwise, first, bottleneck, stem, pool, dense, large,
        attention, elementwise,
    )
}  # fmt: skip


def random_network(kind: str, random: Random, *, integer: bool) -> tuple[onnx.ModelProto, Feeds]:
    """A network of the kind, and what to feed it."""
    return KINDS[kind](random, integer).finish()
