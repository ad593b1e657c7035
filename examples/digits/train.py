"""Trains the digits network of the demo and writes every file of this folder: `python examples/digits/train.py`.

Needs scikit-learn for its 1,797 handwritten digits (Alpaydin and Kaynak 1998, CC BY 4.0), `pip install 'slim[train]'`.
Writes `digits.onnx`, the same network as MXNet files, the 360 held-out images and, for calibration, 128 of the images
that it was trained on. Everything random comes from one seed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from export import write_mxnet, write_onnx
from network import Array, Layer, backward, digits_network, flat, forward
from sklearn.datasets import load_digits
from tqdm import trange

HERE = Path(__file__).resolve().parent
SEED = 2
HELD_OUT = 360
CALIBRATION = 128
EPOCHS = 40
BATCH = 32
RATE = 4e-3  # Adam's, falling to zero along half a cosine


def split(rng: np.random.Generator) -> tuple[Array, npt.NDArray[np.int64], Array, npt.NDArray[np.int64]]:
    """Training images (N, 1, 8, 8) and labels, held-out images and labels."""
    digits = load_digits()
    order = rng.permutation(len(digits.target))
    images, labels = digits.images[order][:, None], digits.target[order]
    return images[HELD_OUT:], labels[HELD_OUT:], images[:HELD_OUT], labels[:HELD_OUT]


def moved(rng: np.random.Generator, images: Array) -> Array:
    """Each image shifted by up to one pixel in both directions."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y, x = rng.integers(0, 3, (2, len(images)))
    return np.stack([image[:, i : i + 8, j : j + 8] for image, i, j in zip(padded, y, x, strict=True)])


def cross_entropy_gradient(logits: Array, labels: npt.NDArray[np.int64]) -> Array:
    """Gradient of the mean cross entropy of softmax(logits)."""
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    gradient = exponentials / exponentials.sum(1, keepdims=True)
    gradient[np.arange(len(labels)), labels] -= 1
    return gradient / len(labels)


def train(rng: np.random.Generator, layers: list[Layer], images: Array, labels: npt.NDArray[np.int64]) -> None:
    """Adam (Kingma and Ba 2015), in place."""
    slots = [(layer, key) for layer in flat(layers) for key in layer.params]
    first = [np.zeros_like(layer.params[key]) for layer, key in slots]
    second = [np.zeros_like(layer.params[key]) for layer, key in slots]
    steps = EPOCHS * (len(images) // BATCH)
    step = 0
    for _ in trange(EPOCHS, unit="epoch", disable=None):
        order = rng.permutation(len(images))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            batch = order[start : start + BATCH]
            logits = forward(layers, moved(rng, images[batch]), training=True)
            backward(layers, cross_entropy_gradient(logits, labels[batch]))
            step += 1
            rate = RATE * (1 + np.cos(np.pi * step / steps)) / 2
            rate *= np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            for (layer, key), m, v in zip(slots, first, second, strict=True):
                gradient = layer.grads[key]
                m += 0.1 * (gradient - m)
                v += 0.001 * (gradient**2 - v)
                layer.params[key] -= rate * m / (np.sqrt(v) + 1e-8)


def accuracy(layers: list[Layer], images: Array, labels: npt.NDArray[np.int64]) -> float:
    """Share of images whose largest logit is their label's."""
    return float(np.mean(forward(layers, images).argmax(1) == labels))


def main() -> None:
    rng = np.random.default_rng(SEED)
    images, labels, test_images, test_labels = split(rng)
    layers = digits_network(rng)
    train(rng, layers, images, labels)
    print(f"training {accuracy(layers, images, labels):.2%}, held out {accuracy(layers, test_images, test_labels):.2%}")

    write_onnx(layers, HERE / "digits.onnx")
    write_mxnet(layers, HERE / "digits-symbol.json", HERE / "digits-0000.params")
    np.savez_compressed(HERE / "digits-test.npz", images=test_images.astype(np.float32), labels=test_labels)
    folder = HERE / "calibration"
    folder.mkdir(exist_ok=True)
    for number, image in enumerate(images[:CALIBRATION].astype(np.float32)):
        np.save(folder / f"{number:03}.npy", image[None])


if __name__ == "__main__":
    main()
