"""Layers of slim joined with their work and their bound."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.layers import LayerTime, bounded, cache_bytes, join, main, table
from slim.estimate.count import Kind
from slim.estimate.layers import Activation, Layer
from slim.runtime import StepTime
from tests.benchmarks.records import PEAK
from tests.benchmarks.test_measure import small


def layer(name: str, macs: int, weights: int = 0) -> Layer:
    """A convolution that reads and writes 100 bytes."""
    edge = (Activation("t", (1,), 50),)
    return Layer(name, ("Conv",), Kind.CONV, False, macs, 0, False, weights, edge, edge)


def test_a_step_has_the_work_of_the_layer_of_its_name_and_of_those_fused_behind_it() -> None:
    steps = [StepTime("order", "transpose", 1e-6), StepTime("a", "conv_f32", 1e-3), StepTime("c", "conv_f32", 1e-3)]
    joined = join(steps, [layer("a", 10, 4), layer("b", 20, 8), layer("view", 0), layer("c", 40)])
    assert [step.macs for step in joined] == [0, 30, 40]
    assert [step.weight_bytes for step in joined] == [0, 12, 0]
    assert sum(step.macs for step in joined) == 70


def test_the_bound_is_arithmetic_or_bytes_whichever_is_longer() -> None:
    caches = (1 << 20, 32 << 20)
    # 2 * 50e6 operations at 100 GFLOP/s: 1 ms; 1000 bytes take no time beside it
    heavy = LayerTime("a", "conv_f32", 2e-3, macs=50_000_000, activation_bytes=1000)
    # 1 MB of weights, all within L3 at 50 GB/s: 20 us; 2 * 1000 operations: 20 ns
    light = LayerTime("b", "dense_f32", 1e-4, macs=1000, weight_bytes=2_000_000)
    first, second = bounded([heavy, light], PEAK, "fp32", 1, caches)
    assert first.bound_s == pytest.approx(1e-3)
    assert not first.memory_bound
    assert second.bound_s == pytest.approx(4e-5)
    assert second.memory_bound
    assert bounded([heavy], PEAK, "fp32", 2, caches)[0].bound_s == pytest.approx(5e-4)
    assert bounded([heavy], PEAK, "int8", 1, caches)[0].bound_s == pytest.approx(2.5e-4)


def test_the_table_adds_up() -> None:
    layers = [LayerTime("a", "conv_f32", 1e-3, macs=50_000_000, bound_s=5e-4), LayerTime("b", "softmax_f32", 1e-3)]
    text = table(layers, PEAK, "fp32", 1)
    # 2 * 50e6 operations in 1 ms: 100 GFLOP/s, all of the peak; half of it over both layers
    assert "100%" in text
    assert "2000.0 in all, 50.0 MMAC, 50.0 GFLOP/s, 50% of peak; bound 500.0 us" in text


def test_caches_have_a_size() -> None:
    second, third = cache_bytes()
    assert 0 < second <= third


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_command_profiles_a_model(
    precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLIM_BENCH_DIR", str(tmp_path))
    assert main([str(small(tmp_path)), "--precision", precision, "--runs", "2"]) == 0
    assert "conv" in capsys.readouterr().out


def test_a_file_that_is_no_model_is_an_error_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLIM_BENCH_DIR", str(tmp_path))
    assert main([str(tmp_path / "none.onnx")]) == 2
    assert "no such file" in capsys.readouterr().err
