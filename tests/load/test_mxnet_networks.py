"""Whole MXNet networks against MXNet 1.9.1: the checkpoints of the test data, and gluon's model zoo."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from slim.load import load
from tests.data import ROOT, data_path
from tests.load.runs import assert_close, assert_settled, run

GOLDEN = ROOT / "tests" / "fixtures" / "load"
NAMES = ("squeezenet-v1.0", "mobilenet-v1-0.25-128", "resnet8-cifar10", "dscnn-kws", "autoencoder-ad")
ZOO = (
    "alexnet",
    "densenet121",
    "inceptionv3",
    "mobilenet0.25",
    "mobilenetv2_0.25",
    "resnet18_v1",
    "resnet18_v2",
    "squeezenet1.1",
    "vgg11",
)


@pytest.mark.parametrize("name", NAMES)
def test_checkpoint_computes_what_mxnet_computes(name: str) -> None:
    with np.load(GOLDEN / f"{name}.npz") as golden:
        shape, seed, want = tuple(int(dim) for dim in golden["shape"]), int(golden["input_seed"]), golden["output"]
    model = load(data_path("models", name, "model-symbol.json"), shapes={"data": shape})
    assert_settled(model)
    x = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    assert_close(run(model, {"data": x})[0], want, within=1e-4)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    python = os.environ.get("SLIM_MXNET_PYTHON")
    if not python:
        pytest.skip("SLIM_MXNET_PYTHON does not name the python of a venv with MXNet (scripts/mxnet_golden.py)")
    folder = tmp_path_factory.mktemp("zoo")
    subprocess.run([python, ROOT / "scripts" / "mxnet_golden.py", "zoo", folder], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("name", ZOO)
def test_gluon_network_computes_what_mxnet_computes(name: str, zoo: Path) -> None:
    with np.load(zoo / f"{name}.npz") as golden:
        x, want = golden["input"], golden["output"]
    model = load(zoo / f"{name}-symbol.json", shapes={"data": x.shape})
    assert_settled(model)
    assert_close(run(model, {"data": x})[0], want, within=1e-4)
