"""`slim check` on every real network: a verdict, an exit code, and no more than a second for MobileNetV2."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.data import data_path
from tests.models.networks import MXNET, ONNX, QUANTIZED


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "slim.cli", "check", *arguments, "--device", "rpi3"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("name", [*ONNX, QUANTIZED])
def test_onnx_networks_get_a_verdict(name: str) -> None:
    result = check(str(data_path("models", *name.split("/"))), "--json")
    assert result.returncode in (0, 1), result.stderr
    document = json.loads(result.stdout)
    assert document["fits"] == (result.returncode == 0)
    assert not document["unsupported"]


@pytest.mark.parametrize(("name", "shape"), MXNET.items())
def test_mxnet_networks_get_the_verdict_of_their_onnx_twin(name: str, shape: tuple[int, ...]) -> None:
    symbol = str(data_path("models", name, "model-symbol.json"))
    twin = check(str(data_path("models", name, "model.onnx")), "--json")
    result = check(symbol, "--shape", "data=" + ",".join(map(str, shape)), "--json")
    assert result.returncode == twin.returncode, result.stderr
    totals = [json.loads(r.stdout)["estimate"]["macs"] for r in (result, twin)]
    assert totals[0] == pytest.approx(totals[1], rel=0.01)


def processor_seconds(*command: str) -> float:
    """User and system time of a command: what it would take on an idle machine."""
    # an installed slim has its bytecode on disk: a shell that keeps Python from writing it would time the compiler
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = os.times()
    subprocess.run([sys.executable, "-m", "slim.cli", *command], capture_output=True, check=False, env=environment)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def test_check_answers_within_a_second() -> None:
    path = str(data_path("models", "mobilenet-v2", "model.onnx"))
    processor_seconds("check", path, "--device", "rpi3")  # compiles what is not compiled yet
    assert min(processor_seconds("check", path, "--device", "rpi3") for _ in range(3)) < 1.0


def test_help_answers_at_once() -> None:
    assert min(processor_seconds("--help") for _ in range(3)) < 0.15
