"""LiteRT with XNNPACK, its default delegate: onnx2tf makes the `.tflite`, TensorFlow's converter quantizes it.

`prepare` runs in an environment with TensorFlow, `Engine` in one with ai-edge-litert alone. Its networks are NHWC.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from benchmarks.engines import UnsupportedByEngineError
from benchmarks.engines.axes import turned

Feeds = dict[str, np.ndarray]


def prepare(model: Path, precision: str, samples: list[Feeds], folder: Path) -> Path:
    # sequences stay (N, length, features): only images are turned around
    keep = [option for name, array in samples[0].items() if array.ndim == 3 for option in ("-kat", name)]
    command = [sys.executable, "-m", "onnx2tf", "-i", str(model), "-o", str(folder), "-osd", "-n", *keep]
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    environment = {**os.environ, "PATH": path, "CUDA_VISIBLE_DEVICES": ""}
    # the images that it checks its own conversion with, and would fetch from the internet
    images = np.random.default_rng(0).random((20, 128, 128, 3), np.float32)
    np.save(folder / "calibration_image_sample_data_20x128x128x3_float32.npy", images)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)
    target = folder / f"{model.stem}_float32.tflite"
    if not target.is_file():
        raise UnsupportedByEngineError(f"onnx2tf does not convert it: {(done.stderr or done.stdout).strip()[-300:]}")
    if precision == "fp32":
        return target
    import tensorflow as tf

    shapes = {name: tuple(shape) for name, shape in _signature(target).items()}

    def representative() -> Iterator[Feeds]:
        for feeds in samples:
            yield {name: turned(feeds[name], shapes[name]) for name in shapes}

    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.lite.OpsSet.TFLITE_BUILTINS]
    quantized = folder / "quantized.tflite"
    quantized.write_bytes(converter.convert())
    return quantized


def _signature(file: Path) -> dict[str, list[int]]:
    """Input names and shapes as the first signature has them."""
    interpreter = Interpreter(str(file))
    runner = interpreter.get_signature_runner(next(iter(interpreter.get_signature_list())))
    return {name: list(detail["shape"]) for name, detail in runner.get_input_details().items()}


class Engine:
    def __init__(self, file: Path, threads: int) -> None:
        self.interpreter = Interpreter(str(file), num_threads=threads)
        self.interpreter.allocate_tensors()
        self.inputs = self.interpreter.get_input_details()
        self.results = self.interpreter.get_output_details()

    def adapt(self, feeds: Feeds) -> Feeds:
        # names become serving_default_NAME:0; one input needs no name
        found = {}
        for detail in self.inputs:
            matching = [name for name in feeds if name in detail["name"].replace(":", "_").split("_")]
            name = matching[0] if matching else next(iter(feeds))
            found[detail["index"]] = turned(feeds[name], tuple(detail["shape"]))
        return found

    def bind(self, feeds: Feeds) -> None:
        for index, array in feeds.items():
            self.interpreter.set_tensor(index, array)

    def invoke(self) -> None:
        self.interpreter.invoke()

    def call(self, feeds: Feeds) -> list[np.ndarray]:
        self.bind(feeds)
        self.interpreter.invoke()
        return [self.interpreter.get_tensor(detail["index"]) for detail in self.results]

    def named(self, outputs: list[np.ndarray]) -> Feeds:
        return {f"{index}": array for index, array in enumerate(outputs)}
