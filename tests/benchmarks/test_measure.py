"""Workers speak the protocol and take turns: slim and onnxruntime, both in the environment of the tests."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from benchmarks import environments, measure, networks, worker
from benchmarks.engines import UnsupportedByEngineError
from benchmarks.engines.axes import turned
from benchmarks.environments import BenchError
from benchmarks.measure import Settings


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, and no environment to install."""
    monkeypatch.setenv("SLIM_BENCH_DIR", str(tmp_path / "bench"))
    monkeypatch.setenv("SLIM_BENCH_MODELS", str(tmp_path))
    for module in (environments, worker, measure):
        monkeypatch.setattr(module, "python_of", lambda _: Path(sys.executable))
    return tmp_path


def small(folder: Path, shape: tuple[object, ...] = (1, 3, 8, 8)) -> Path:
    """A 3x3 convolution to 4 channels with relu."""
    weights = np.random.default_rng(0).standard_normal((4, 3, 3, 3), np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], name="conv"),
        helper.make_node("Relu", ["c"], ["y"], name="relu"),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, (shape[0], 4, 8, 8))]
    graph = helper.make_graph(nodes, "small", inputs, outputs, [numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / "small.onnx"
    onnx.save(model, path)
    return path


def test_engines_take_turns_and_agree(bench: Path) -> None:
    (network,) = networks.find([str(small(bench))])
    assert network.macs == 4 * 8 * 8 * 27
    records, peaks = measure.measure(network, ["slim", "onnxruntime"], ["fp32", "int8"], [1], Settings(3, 0.01, 2))
    by_key = {(record.engine, record.precision): record for record in records}
    for record in by_key.values():
        assert record.problem == ""
        assert len(record.invoke) == len(record.call) == 3
        assert len(record.load_s) == 2
        assert record.peak_bytes > record.baseline_bytes > 0
        assert record.model_bytes > 0
    assert by_key["onnxruntime", "fp32"].snr_db == 200.0
    assert (by_key["slim", "fp32"].snr_db or 0) > 90
    assert (by_key["slim", "int8"].snr_db or 0) > 25
    assert len(peaks) == 2


def test_an_engine_that_fails_is_a_result_and_the_others_go_on(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "version_of", lambda _: "0")
    monkeypatch.setattr(measure, "library_bytes", lambda _: 0)
    (network,) = networks.find([str(small(bench))])
    records, _ = measure.measure(network, ["slim", "ncnn"], ["fp32"], [1], Settings(1, 0.01, 1))
    slim, ncnn = records
    assert slim.invoke
    # the tests' environment has no ncnn
    assert "ncnn" in ncnn.problem
    assert not ncnn.invoke


def test_calibration_feeds_and_the_compared_feeds_differ_and_are_the_same_each_time(bench: Path) -> None:
    (network,) = networks.find([str(small(bench))])
    feeds, samples = networks.inputs(network)
    first = np.load(feeds[0])["x"]
    again, _ = networks.inputs(network)
    assert first.shape == (1, 3, 8, 8)
    assert (len(feeds), len(samples)) == (networks.SCORED, networks.SAMPLES)
    assert np.array_equal(first, np.load(again[0])["x"])
    assert len({np.load(file)["x"].tobytes() for file in [*feeds, *samples]}) == networks.SCORED + networks.SAMPLES


def test_open_dimensions_are_refused_with_what_to_do(bench: Path) -> None:
    (network,) = networks.find([str(small(bench, ("N", 3, 8, 8)))])
    with pytest.raises(BenchError, match="static shape"):
        networks.inputs(network)


def test_unknown_networks_are_listed_with_the_known_ones(bench: Path) -> None:
    small(bench)
    with pytest.raises(BenchError, match=r"no such network: resnet1, resnet2; there are small"):
        networks.find(["resnet1", "resnet2", "small"])


def test_a_dead_worker_and_a_slow_one_are_errors(bench: Path) -> None:
    with worker.Worker("nothing", [0]) as broken, pytest.raises(worker.WorkerError, match="nothing_engine"):
        broken.ask("prepare", model="x", precision="fp32", samples=[], folder=str(bench / "f"))
    with worker.Worker("slim", [0]) as killed:
        killed._process.kill()
        killed._process.wait()
        with pytest.raises(worker.WorkerError, match="died"):
            killed.ask("memory")
    with worker.Worker("slim", [0]) as slow, pytest.raises(worker.WorkerError, match="no answer"):
        slow.ask("memory", timeout=0.0)


def test_a_converter_that_rewrites_its_input_does_not_reach_the_users_file(
    bench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Rewriting(worker.Worker):
        def ask(self, do: str, timeout: float = 0.0, **arguments: Any) -> dict[str, Any]:
            Path(arguments["model"]).write_bytes(b"simplified in place")
            result = Path(arguments["folder"]) / "model.bin"
            result.write_bytes(b"converted")
            return {"file": str(result)}

    monkeypatch.setattr(networks, "Worker", Rewriting)
    path = small(bench)
    before = path.read_bytes()
    (network,) = networks.find([str(path)])
    assert networks.prepare(network, "slim", "fp32", []).file is not None
    assert path.read_bytes() == before


def test_processes_that_an_engine_started_end_with_it(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # an interpreter that leaves a child behind before it serves
    starter = bench / "starter"
    starter.write_text(f'#!/bin/sh\nsleep 60 &\necho $! > {bench}/child\nexec {sys.executable} "$@"\n')
    starter.chmod(0o755)
    monkeypatch.setattr(worker, "python_of", lambda _: starter)
    with worker.Worker("slim", [0]) as serving:
        serving.ask("memory")
        child = int((bench / "child").read_text())
        assert _state(child) not in ENDED
    deadline = time.monotonic() + 10
    while _state(child) not in ENDED and time.monotonic() < deadline:
        time.sleep(0.01)
    assert _state(child) in ENDED


ENDED = ("Z", "X", "")


def _state(process: int) -> str:
    """The letter of /proc/PID/stat: S sleeping, T stopped, Z ended; nothing where there is no such process."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


def test_axes_are_kept_or_turned_channels_last() -> None:
    array = np.arange(24).reshape(1, 2, 3, 4)
    assert turned(array, (1, 2, 3, 4)) is not None
    assert np.array_equal(turned(array, (1, 3, 4, 2)), array.transpose(0, 2, 3, 1))
    with pytest.raises(UnsupportedByEngineError, match="became"):
        turned(array, (1, 4, 3, 2))
