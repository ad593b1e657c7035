"""OpenVINO: latency hint, one stream, fp32 inference really in fp32; int8 by NNCF's post-training quantization."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov

Feeds = dict[str, np.ndarray]


def prepare(model: Path, precision: str, samples: list[Feeds], folder: Path) -> Path:
    converted = ov.convert_model(str(model))
    if precision == "int8":
        import nncf

        transformer = any(op.get_type_name() == "MVN" for op in converted.get_ordered_ops())  # layer normalization
        converted = nncf.quantize(
            converted,
            nncf.Dataset(samples, lambda feeds: feeds),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(samples),
            model_type=nncf.ModelType.TRANSFORMER if transformer else None,
        )
    target = folder / "model.xml"
    ov.save_model(converted, str(target), compress_to_fp16=False)
    return target


class Engine:
    def __init__(self, file: Path, threads: int) -> None:
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # the worker is pinned already
        }
        self.model = ov.Core().compile_model(str(file), "CPU", settings)
        self.request = self.model.create_infer_request()

    def adapt(self, feeds: Feeds) -> Feeds:
        return feeds

    def bind(self, feeds: Feeds) -> None:
        self.kept = {name: ov.Tensor(array, shared_memory=True) for name, array in feeds.items()}
        for name, tensor in self.kept.items():
            self.request.set_tensor(name, tensor)
        # the native call below the Python class: no dispatch of inputs, no dictionary of results
        self.native = super(ov.InferRequest, self.request).infer

    def invoke(self) -> None:
        self.native({}, share_outputs=True, decode_strings=False)

    def call(self, feeds: Feeds) -> dict[str, np.ndarray]:
        results = self.request.infer(feeds, share_inputs=True)
        return {port.get_any_name(): array for port, array in results.items()}

    def named(self, outputs: Feeds) -> Feeds:
        return outputs
