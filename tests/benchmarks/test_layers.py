"""The table of a benchmark's layers."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.layers import main, table
from slim.estimate.profile import LayerTime
from tests.benchmarks.test_measure import small


def test_the_table_adds_up() -> None:
    conv = LayerTime("a", "conv_f32", 1e-3, macs=50_000_000, bound_s=5e-4, peak_gops=100.0)
    text = table([conv, LayerTime("b", "softmax_f32", 1e-3)])
    # 2 * 50e6 operations in 1 ms: 100 GFLOP/s, all of the peak; half of it over both layers
    assert "100%" in text
    assert "2000.0 in all, 50.0 MMAC, 50.0 GFLOP/s, 50% of peak; bound 500.0 us" in text


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
