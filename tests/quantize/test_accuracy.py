"""Real networks on a few real images; `benchmarks/accuracy.py` is the full measurement."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from benchmarks.accuracy import measure, split
from slim.load import load
from slim.quantize.qlinear import to_qdq
from tests.data import data_path
from tests.quantize.nets import run

# The least SQNR of the logits that is accepted, in dB, with 16 calibration images (64 give 1 to 3 dB more).
LEAST = {"squeezenet-v1.0": 25.0, "mobilenet-v2": 18.0, "mobilenet-v1-0.25-128": 21.0, "resnet8-cifar10": 33.0}


@pytest.mark.parametrize("model", LEAST)
def test_logits_of_real_networks_keep_their_signal(model: str) -> None:
    data_path("models", model, "model.onnx")
    found = measure(model, every=16, calibrate=16, data=data_path())
    for engine in (found.onnxruntime, found.core):
        assert engine.sqnr >= LEAST[model]
        assert engine.same_top1 >= 0.85
    assert found.agreement.sqnr >= LEAST[model]  # engines differ by less than quantization costs


def test_calibration_images_are_never_scored() -> None:
    images = [(path, 0) for path in data_path("images", "imagenet").glob("*.jpg")]
    calibration, scored = split(images, 64)
    assert (len(calibration), len(scored)) == (64, 436)
    assert not set(calibration) & set(scored)


def test_shufflenet_in_qdq_form_gives_onnxruntimes_own_numbers() -> None:
    folder = data_path("models", "shufflenet-v2-int8")
    model = load(folder / "model.onnx")
    rewritten = to_qdq(model)
    assert not [node for node in rewritten.graph if node.op_type.startswith("QLinear")]
    vector = onnx.load_tensor(folder / "test_data_set_0" / "input_0.pb")
    x = {rewritten.graph.inputs[0].name or "": onnx.numpy_helper.to_array(vector)}
    expected, got = run(model, x, optimise=True)[0], run(rewritten, x, optimise=True)[0]
    last = rewritten.graph.outputs[0].producer()
    assert last is not None
    step = last.inputs[1]
    assert step is not None
    assert step.const_value is not None
    assert (np.abs(got - expected) <= 1.001 * step.const_value.numpy()).mean() >= 0.99
    assert all(
        isinstance(dim, int) for node in rewritten.graph for value in node.outputs for dim in value.shape or [None]
    )
    onnx.checker.check_model(ir.to_proto(rewritten))
