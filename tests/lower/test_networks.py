"""Networks of sequences and bytes as others publish them: loaded, simplified, lowered, and run beside onnxruntime."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from slim import load
from slim.graph import simplify
from slim.lower import lower, unsupported
from slim.runtime import Session
from tests.data import data_path


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("network", ["dtln/model_1", "dtln/model_2", "magika/model"])
def test_agrees_with_onnxruntime(network: str, threads: int) -> None:
    """Speech denoising (LSTM as an operator, and written out), and what type a file is of (bytes to one-hot, GELU)."""
    path = data_path("models", *f"{network}.onnx".split("/"))
    model, _ = simplify(load(path))
    assert unsupported(model) == []
    rng = np.random.default_rng(1)
    feeds = {}
    for value in model.graph.inputs:
        assert value.shape is not None
        assert value.dtype is not None
        shape = [int(size) for size in value.shape]  # type: ignore[arg-type]
        values = rng.integers(0, 257, shape) if value.dtype.is_integer() else rng.normal(size=shape)
        feeds[value.name or ""] = values.astype(value.dtype.numpy())
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    judge = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    got = Session(lower(model), threads=threads).run(feeds)
    for output, expected in zip(judge.get_outputs(), judge.run(None, feeds), strict=True):
        assert got[output.name].shape == expected.shape
        np.testing.assert_allclose(got[output.name], expected, rtol=0, atol=1e-5 * np.ptp(expected))
