"""The core's outputs on real networks, beside onnxruntime's and MXNet's."""

from __future__ import annotations

import numpy as np
import pytest

import slim
from tests.data import ROOT, data_path
from tests.models.networks import MXNET, ONNX, QUANTIZED

GOLDEN = ROOT / "tests" / "fixtures" / "load"


def reference(path: str, feeds: dict[str, np.ndarray], *, optimize: bool = True) -> dict[str, np.ndarray]:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    if not optimize:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def random_feeds(session: slim.Session) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    return {i.name: rng.normal(size=i.shape).astype(np.float32) for i in session.inputs}


@pytest.mark.parametrize("name", ONNX)
@pytest.mark.parametrize("isa", ["auto", "plain"])
def test_fp32_outputs_agree_with_onnxruntime(name: str, isa: str) -> None:
    path = data_path("models", *name.split("/"))
    session = slim.Session(path, isa=isa)
    feeds = random_feeds(session)
    got = session.run(feeds)
    for output, expected in reference(str(path), feeds).items():
        assert np.abs(got[output] - expected).max() <= 1e-4 * np.ptp(expected), output


@pytest.mark.parametrize("name", MXNET)
def test_mxnet_networks_agree_with_mxnet(name: str) -> None:
    path = data_path("models", name, "model-symbol.json")
    with np.load(GOLDEN / f"{name}.npz") as golden:
        shape, seed, expected = tuple(int(dim) for dim in golden["shape"]), int(golden["input_seed"]), golden["output"]
    x = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    session = slim.Session(slim.load(path, shapes={"data": shape}))
    (got,) = session.run({"data": x}).values()
    assert np.abs(got - expected).max() <= 1e-4 * np.ptp(expected)


def test_a_quantized_network_is_within_one_step_of_onnxruntime() -> None:
    """The publisher's input; the last tensor before the float output has this step."""
    import onnx
    from onnx import numpy_helper

    path = data_path("models", *QUANTIZED.split("/"))
    tensor = onnx.TensorProto()
    tensor.ParseFromString(data_path("models", "shufflenet-v2-int8", "test_data_set_0", "input_0.pb").read_bytes())
    session = slim.Session(path)
    feeds = {session.inputs[0].name: numpy_helper.to_array(tensor)}
    weights = {t.name: t for t in onnx.load(path).graph.initializer}
    step = float(numpy_helper.to_array(weights["output_scale"]).reshape(()))
    (got,) = session.run(feeds).values()
    for optimize in (True, False):
        (expected,) = reference(str(path), feeds, optimize=optimize).values()
        assert (np.abs(got - expected) <= step * 1.001).mean() >= 0.99


@pytest.mark.parametrize("isa", ["plain", "avx2", "avxvnni", "avx512", "avx512vnni"])
def test_integer_outputs_are_the_same_bits_on_every_instruction_set(isa: str) -> None:
    path = data_path("models", *QUANTIZED.split("/"))
    best = slim.Session(path)
    feeds = random_feeds(best)
    try:
        session = slim.Session(path, isa=isa)
    except slim.errors.CoreError:
        pytest.skip(f"this processor does not have {isa}")
    for name, array in session.run(feeds).items():
        np.testing.assert_array_equal(array, best.run(feeds)[name])
