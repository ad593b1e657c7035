"""What quantization costs on real images: top-1 in float and in int8, share of equal answers, SQNR of the logits.

    python -m benchmarks.accuracy [MODEL ...] [--every N] [--method mse]

Models and images come from `$SLIM_TEST_DATA` (default `../shared/data` beside the checkout). 64 images, spread evenly
over the sorted list, calibrate; the others are scored, or every Nth of them with `--every`. The float logits come from
onnxruntime, which is no part of slim: the judge is not the judged. The int8 ones come from onnxruntime and from the C
core, each with its own columns; the last two say how far these agree with each other.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from slim.graph import simplify
from slim.inputs import Recipe, Samples, load_recipe
from slim.load import load
from slim.lower import lower
from slim.quantize import quantize
from slim.runtime import Session

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("SLIM_TEST_DATA", ROOT.parent / "shared" / "data"))
RECIPES = {
    "squeezenet-v1.0": "squeezenet-v1.0",
    "mobilenet-v2": "mobilenet-v2",
    "mobilenet-v1-0.25-128": "mobilenet-v1",
    "resnet8-cifar10": "resnet8-cifar10",
}
CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
CALIBRATE = 64

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Score:
    """Top-1 shares, the share of images with the same top-1 in both, and the SQNR of the logits in dB."""

    images: int
    float_top1: float
    int8_top1: float
    same_top1: float
    sqnr: float


@dataclass(frozen=True)
class Measurement:
    """Scores of the int8 model in two engines, and `agreement`: the core's logits against onnxruntime's int8 ones."""

    onnxruntime: Score
    core: Score
    agreement: Score
    seconds: float  # that quantization took


def labelled_images(model: str, data: Path = DATA) -> list[tuple[Path, int]]:
    """The images that `model` classifies, sorted by path, each with the index of its class."""
    if model == "resnet8-cifar10":
        files = sorted((data / "images" / "cifar10").glob("*/*.jpg"))
        return [(path, CIFAR10.index(path.parent.name)) for path in files]
    synset = [line.split()[0] for line in (data / "images" / "synset.txt").read_text().splitlines()]
    files = sorted((data / "images" / "imagenet").glob("*.jpg"))
    return [(path, synset.index(path.stem)) for path in files]


def split(
    images: list[tuple[Path, int]], calibrate: int = CALIBRATE
) -> tuple[list[tuple[Path, int]], list[tuple[Path, int]]]:
    """(calibration images, the others): the former spread evenly over the list."""
    chosen = {position * len(images) // calibrate for position in range(calibrate)}
    return [images[i] for i in sorted(chosen)], [image for i, image in enumerate(images) if i not in chosen]


def float_model(model: str, data: Path = DATA) -> ir.Model:
    """The simplified float model, its softmax taken off so that the outputs are logits."""
    loaded, _ = simplify(load(data / "models" / model / "model.onnx"))
    producer = loaded.graph.outputs[0].producer()
    if producer is not None and producer.op_type == "Softmax" and producer.inputs[0] is not None:
        loaded.graph.outputs[0] = producer.inputs[0]
        loaded.graph.remove(producer, safe=True)
    return loaded


def logits(model: ir.Model, images: list[tuple[Path, int]], recipe: Recipe) -> Array:
    """(N, classes) by onnxruntime, without the background class."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(ir.to_proto(model).SerializeToString(), options)
    name = session.get_inputs()[0].name
    rows = [session.run(None, {name: recipe.apply(path)})[0].reshape(1, -1) for path, _ in images]
    return np.concatenate(rows)[:, recipe.first_class :]


def core_logits(model: ir.Model, images: list[tuple[Path, int]], recipe: Recipe) -> Array:
    """(N, classes) by slim's C core, without the background class."""
    session = Session(bytes(lower(model)))
    name, output = session.inputs[0].name, session.outputs[0].name
    rows = [session.run({name: recipe.apply(path)})[output].reshape(1, -1) for path, _ in images]
    session.close()
    return np.concatenate(rows)[:, recipe.first_class :]


def score(expected: Array, got: Array, labels: Array) -> Score:
    """Compare int8 logits with float ones, both (N, classes)."""
    before, after = expected.argmax(axis=1), got.argmax(axis=1)
    noise = np.square(expected - got).sum()
    return Score(
        images=len(labels),
        float_top1=float((before == labels).mean()),
        int8_top1=float((after == labels).mean()),
        same_top1=float((before == after).mean()),
        sqnr=float(10 * np.log10(np.square(expected).sum() / noise)) if noise else float("inf"),
    )


def measure(
    model: str, every: int = 1, calibrate: int = CALIBRATE, method: str = "mse", data: Path = DATA
) -> Measurement:
    """Quantize `model` and score it in both engines."""
    recipe = load_recipe(RECIPES[model])
    calibration, scored = split(labelled_images(model, data), calibrate)
    scored = scored[::every]
    loaded = float_model(model, data)
    samples = Samples(tuple(path for path, _ in calibration), (loaded.graph.inputs[0].name or "",), recipe)
    start = time.perf_counter()
    quantized, _ = quantize(loaded, samples, method=method)
    seconds = time.perf_counter() - start
    labels = np.array([label for _, label in scored])
    expected, judged = logits(loaded, scored, recipe), logits(quantized, scored, recipe)
    core = core_logits(quantized, scored, recipe)
    return Measurement(
        score(expected, judged, labels), score(expected, core, labels), score(judged, core, labels), seconds
    )  # fmt: skip


def main() -> None:
    """Print one line for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=list(RECIPES), help="default: all of them")
    parser.add_argument("--every", type=int, default=1, help="score every Nth image")
    parser.add_argument("--method", default="mse", help="mse, minmax or percentile")
    options = parser.parse_args()
    print(f"{'':40}{'onnxruntime':>26}{'core':>26}{'agreement':>18}")
    columns = f"{'int8':>8}{'same':>8}{'SQNR':>10}"
    print(f"{'model':24}{'images':>8}{'fp32':>8}{columns}{columns}{'same':>8}{'SQNR':>10}{'quantize':>10}")
    for model in options.models:
        found = measure(model, options.every, method=options.method)
        line = f"{model:24}{found.core.images:8}{100 * found.core.float_top1:8.1f}"
        for engine in (found.onnxruntime, found.core):
            line += f"{100 * engine.int8_top1:8.1f}{100 * engine.same_top1:8.1f}{engine.sqnr:7.1f} dB"
        line += f"{100 * found.agreement.same_top1:8.1f}{found.agreement.sqnr:7.1f} dB"
        print(f"{line}{found.seconds:8.1f} s", flush=True)


if __name__ == "__main__":
    main()
