"""The digits network and its layers, forwards and backwards, in numpy; `train.py` trains it, `export.py` writes it.

A layer keeps its parameters in `params` and, after `backward`, their gradients in `grads` under the same keys. Arrays
are (N, C, H, W), float64: sums agree to far more digits than the float32 files keep, whatever the machine's BLAS.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Array = npt.NDArray[np.float64]

BN_EPSILON = 1e-5
BN_MOMENTUM = 0.9


class Layer:
    """Something with a forward and a backward pass."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}


class Conv(Layer):
    """Convolution of stride 1 with `same` zero padding and no bias; `depthwise` has one filter a channel.

    Weights: (O, C, k, k), depthwise (C, 1, k, k); He initialisation.
    """

    def __init__(self, rng: np.random.Generator, name: str, c: int, o: int, k: int, depthwise: bool = False) -> None:
        super().__init__(name)
        self.k, self.depthwise = k, depthwise
        shape = (c, 1, k, k) if depthwise else (o, c, k, k)
        self.params["weight"] = rng.normal(0, np.sqrt(2 / (shape[1] * k * k)), shape)

    def forward(self, x: Array, training: bool) -> Array:
        self.windows = self._windows(x)  # (N, C, H, W, k, k)
        if self.depthwise:
            return np.einsum("nchwij,cij->nchw", self.windows, self.params["weight"][:, 0], optimize=True)
        return np.moveaxis(np.tensordot(self.windows, self.params["weight"], ((1, 4, 5), (1, 2, 3))), 3, 1)

    def backward(self, dy: Array) -> Array:
        flipped = self.params["weight"][:, :, ::-1, ::-1]
        if self.depthwise:
            self.grads["weight"] = np.einsum("nchwij,nchw->cij", self.windows, dy, optimize=True)[:, None]
            return np.einsum("nchwij,cij->nchw", self._windows(dy), flipped[:, 0], optimize=True)
        self.grads["weight"] = np.tensordot(dy, self.windows, ((0, 2, 3), (0, 2, 3)))
        return np.moveaxis(np.tensordot(self._windows(dy), flipped, ((1, 4, 5), (0, 2, 3))), 3, 1)

    def _windows(self, x: Array) -> Array:
        pad = self.k // 2
        return sliding_window_view(np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad))), (self.k, self.k), (2, 3))


class BatchNorm(Layer):
    """Ioffe and Szegedy 2015; running mean and variance are kept as MXNet and ONNX expect them."""

    def __init__(self, name: str, c: int) -> None:
        super().__init__(name)
        self.params = {"gamma": np.ones(c), "beta": np.zeros(c)}
        self.mean, self.var = np.zeros(c), np.ones(c)

    def forward(self, x: Array, training: bool) -> Array:
        mean, var = (x.mean((0, 2, 3)), x.var((0, 2, 3))) if training else (self.mean, self.var)
        if training:
            self.mean = BN_MOMENTUM * self.mean + (1 - BN_MOMENTUM) * mean
            self.var = BN_MOMENTUM * self.var + (1 - BN_MOMENTUM) * var
        self.deviation = np.sqrt(var + BN_EPSILON)[:, None, None]
        self.normal = (x - mean[:, None, None]) / self.deviation
        return self.params["gamma"][:, None, None] * self.normal + self.params["beta"][:, None, None]

    def backward(self, dy: Array) -> Array:
        axes = (0, 2, 3)
        self.grads = {"gamma": (dy * self.normal).sum(axes), "beta": dy.sum(axes)}
        dx = dy * self.params["gamma"][:, None, None]
        through = self.normal * (dx * self.normal).mean(axes)[:, None, None]
        return (dx - dx.mean(axes)[:, None, None] - through) / self.deviation


class Relu(Layer):
    def forward(self, x: Array, training: bool) -> Array:
        self.positive = x > 0
        return x * self.positive

    def backward(self, dy: Array) -> Array:
        return dy * self.positive


class MaxPool(Layer):
    """2 x 2, stride 2."""

    def forward(self, x: Array, training: bool) -> Array:
        n, c, h, w = x.shape
        blocks = x.reshape(n, c, h // 2, 2, w // 2, 2).swapaxes(3, 4).reshape(n, c, h // 2, w // 2, 4)
        self.chosen = blocks.argmax(-1)
        return np.take_along_axis(blocks, self.chosen[..., None], -1)[..., 0]

    def backward(self, dy: Array) -> Array:
        n, c, h, w = dy.shape
        blocks = np.zeros((n, c, h, w, 4))
        np.put_along_axis(blocks, self.chosen[..., None], dy[..., None], -1)
        return blocks.reshape(n, c, h, w, 2, 2).swapaxes(3, 4).reshape(n, c, 2 * h, 2 * w)


class GlobalAveragePool(Layer):
    def forward(self, x: Array, training: bool) -> Array:
        self.shape = x.shape
        return x.mean((2, 3), keepdims=True)

    def backward(self, dy: Array) -> Array:
        return np.broadcast_to(dy / (self.shape[2] * self.shape[3]), self.shape)


class Dense(Layer):
    """Flattens, then weights (O, K) and a bias (O,)."""

    def __init__(self, rng: np.random.Generator, name: str, k: int, o: int) -> None:
        super().__init__(name)
        self.params = {"weight": rng.normal(0, np.sqrt(1 / k), (o, k)), "bias": np.zeros(o)}

    def forward(self, x: Array, training: bool) -> Array:
        self.shape, self.x = x.shape, x.reshape(len(x), -1)
        return self.x @ self.params["weight"].T + self.params["bias"]

    def backward(self, dy: Array) -> Array:
        self.grads = {"weight": dy.T @ self.x, "bias": dy.sum(0)}
        return (dy @ self.params["weight"]).reshape(self.shape)


class Residual(Layer):
    """x + branch(x)."""

    def __init__(self, name: str, branch: list[Layer]) -> None:
        super().__init__(name)
        self.branch = branch

    def forward(self, x: Array, training: bool) -> Array:
        return x + forward(self.branch, x, training)

    def backward(self, dy: Array) -> Array:
        return dy + backward(self.branch, dy)


def digits_network(rng: np.random.Generator) -> list[Layer]:
    """(N, 1, 8, 8) in 0..16 to 10 logits, 22 thousand parameters."""

    def unit(number: str, c: int, o: int, k: int, depthwise: bool = False) -> list[Layer]:
        return [Conv(rng, f"conv{number}", c, o, k, depthwise), BatchNorm(f"bn{number}", o), Relu(f"relu{number}")]

    return [
        *unit("1", 1, 16, 3),
        *unit("2_depthwise", 16, 16, 3, depthwise=True),
        *unit("2_pointwise", 16, 32, 1),
        MaxPool("pool1"),
        Residual("add3", [*unit("3a", 32, 32, 3), *unit("3b", 32, 32, 3)[:2]]),
        Relu("relu3"),
        *unit("4_depthwise", 32, 32, 3, depthwise=True),
        *unit("4_pointwise", 32, 64, 1),
        GlobalAveragePool("pool2"),
        Dense(rng, "dense", 64, 10),
    ]


def forward(layers: list[Layer], x: Array, training: bool = False) -> Array:
    """The layers in order."""
    for layer in layers:
        x = layer.forward(x, training)
    return x


def backward(layers: list[Layer], dy: Array) -> Array:
    """The layers in reverse; leaves every gradient in its layer."""
    for layer in reversed(layers):
        dy = layer.backward(dy)
    return dy


def flat(layers: list[Layer]) -> list[Layer]:
    """Every layer that has parameters or not, those inside residual branches before the addition."""
    return [inner for layer in layers for inner in [*flat(getattr(layer, "branch", [])), layer]]
