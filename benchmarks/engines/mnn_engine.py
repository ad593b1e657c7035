"""MNN: converted by its own converter, precision "high" (fp32 arithmetic); int8 by its own offline quantization.

The native module `_tools` is called rather than the scripts `mnnconvert` and `mnnquant`: those install a telemetry
package with pip, into whichever Python is first in PATH, and report each conversion.
"""

from __future__ import annotations

import json
from pathlib import Path

import MNN
import numpy as np

from benchmarks.engines import UnsupportedByEngineError

Feeds = dict[str, np.ndarray]


def prepare(model: Path, precision: str, samples: list[Feeds], folder: Path) -> Path:
    import _tools

    target = folder / "model.mnn"
    arguments = ["-f", "ONNX", "--modelFile", str(model), "--MNNModel", str(target), "--bizCode", "slim"]
    _tools.mnnconvert(["mnnconvert", *arguments])
    if not target.is_file():
        raise UnsupportedByEngineError("MNN's converter does not convert it")
    if precision == "fp32":
        return target
    config = folder / "quantize.json"
    config.write_text(json.dumps(_calibration(target, samples, folder)))
    quantized = folder / "quantized.mnn"
    _tools.mnnquant(["mnnquant", str(target), str(quantized), str(config)])
    if not quantized.is_file():
        raise UnsupportedByEngineError("MNN's quantizer does not quantize it")
    return quantized


def _calibration(model: Path, samples: list[Feeds], folder: Path) -> dict[str, object]:
    """Samples as the text files that its quantizer reads, and its settings."""
    net = MNN.Interpreter(str(model))
    outputs = list(net.getSessionOutputAll(net.createSession({"backend": "CPU"})))
    data = folder / "samples"
    for index, feeds in enumerate(samples):
        sample = data / f"{index}"
        sample.mkdir(parents=True, exist_ok=True)
        for name, array in feeds.items():
            np.savetxt(sample / f"{name}.txt", array.ravel(), fmt="%.7g")
        inputs = [{"name": name, "shape": list(array.shape)} for name, array in feeds.items()]
        (sample / "input.json").write_text(json.dumps({"inputs": inputs, "outputs": outputs}))
    return {
        "path": f"{data}/",
        "used_sample_num": len(samples),
        "input_type": "sequence",
        "feature_quantize_method": "KL",
        "weight_quantize_method": "MAX_ABS",
        "batch_size": 1,
        "debug": False,
    }


class Engine:
    def __init__(self, file: Path, threads: int) -> None:
        self.net = MNN.Interpreter(str(file))
        settings = {"backend": "CPU", "numThread": threads, "precision": "high", "memory": "high", "power": "high"}
        self.session = self.net.createSession(settings)
        self.inputs = self.net.getSessionInputAll(self.session)
        self.outputs = self.net.getSessionOutputAll(self.session)

    def adapt(self, feeds: Feeds) -> Feeds:
        return feeds

    def bind(self, feeds: Feeds) -> None:
        for name, array in feeds.items():
            kind = MNN.Tensor_DimensionType_Caffe
            self.inputs[name].copyFrom(MNN.Tensor(array.shape, MNN.Halide_Type_Float, array, kind))

    def invoke(self) -> None:
        self.net.runSession(self.session)

    def call(self, feeds: Feeds) -> Feeds:
        self.bind(feeds)
        self.net.runSession(self.session)
        results = {}
        for name, tensor in self.outputs.items():
            shape = tensor.getShape()
            host = MNN.Tensor(shape, MNN.Halide_Type_Float, np.empty(shape, np.float32), MNN.Tensor_DimensionType_Caffe)
            tensor.copyToHostTensor(host)
            results[name] = np.array(host.getNumpyData()).reshape(shape)
        return results

    def named(self, outputs: Feeds) -> Feeds:
        return outputs
