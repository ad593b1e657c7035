"""ONNX Runtime: all graph optimisations, done once and saved; int8 by its own static QDQ quantization.

8 bits: uint8 activations, int8 weights for each output channel, MinMax ranges: what its documentation advises for x86
with VNNI. Runs use IO binding, so that neither inputs nor outputs are copied.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort

Feeds = dict[str, np.ndarray]


class _Reader:
    """Samples as `onnxruntime.quantization.CalibrationDataReader`."""

    def __init__(self, samples: list[Feeds]) -> None:
        self.samples = iter(samples)

    def get_next(self) -> Feeds | None:
        return next(self.samples, None)


def prepare(model: Path, precision: str, samples: list[Feeds], folder: Path) -> Path:
    source = model
    if precision == "int8":
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
        from onnxruntime.quantization.shape_inference import quant_pre_process

        prepared, source = folder / "pre.onnx", folder / "qdq.onnx"
        quant_pre_process(str(model), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(source),
            _Reader(samples),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
    target = folder / "optimized.onnx"
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 3
    ort.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    return target


class Engine:
    def __init__(self, file: Path, threads: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL  # done by prepare
        options.log_severity_level = 3
        self.session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]
        self.binding = self.session.io_binding()

    def adapt(self, feeds: Feeds) -> Feeds:
        return feeds

    def bind(self, feeds: Feeds) -> None:
        self.kept = feeds
        for name, array in feeds.items():
            self.binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(array))
        for output in self.session.get_outputs():
            self.binding.bind_output(output.name, "cpu")
        self.session.run_with_iobinding(self.binding)
        for name, value in zip(self.names, self.binding.get_outputs(), strict=True):
            self.binding.bind_ortvalue_output(name, value)

    def invoke(self) -> None:
        self.session.run_with_iobinding(self.binding)

    def call(self, feeds: Feeds) -> list[np.ndarray]:
        return self.session.run(None, feeds)

    def named(self, outputs: list[np.ndarray]) -> Feeds:
        return dict(zip(self.names, outputs, strict=True))
