"""Steps of the core joined with their work and their bound."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slim.estimate.count import Kind
from slim.estimate.layers import Activation, Layer
from slim.estimate.profile import LayerTime, bounded, join
from slim.runtime import StepTime
from slim.runtime.peak import Peak, best_peak, cache_bytes, measure_peak

PEAK = Peak(100.0, 400.0, {"l1": 200.0, "l2": 100.0, "l3": 50.0, "dram": 10.0})


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
    first, second = bounded([heavy, light], PEAK, 1, caches)
    assert first.bound_s == pytest.approx(1e-3)
    assert not first.memory_bound
    assert second.bound_s == pytest.approx(4e-5)
    assert second.memory_bound
    assert bounded([heavy], PEAK, 2, caches)[0].bound_s == pytest.approx(5e-4)
    assert bounded([replace(heavy, integer=True)], PEAK, 1, caches)[0].bound_s == pytest.approx(2.5e-4)


def test_a_share_of_the_peak_is_of_all_threads() -> None:
    conv = LayerTime("a", "conv_f32", 1e-3, macs=50_000_000)
    # 2 * 50e6 operations in 1 ms: 100 GFLOP/s, half of two cores
    assert bounded([conv], PEAK, 2, (1, 1))[0].of_peak == pytest.approx(0.5)
    assert bounded([conv], replace(PEAK, fp32_gflops=None), 1, (1, 1))[0].of_peak is None


def test_caches_have_a_size() -> None:
    second, last = cache_bytes()
    assert 0 < second <= last


def test_the_peak_of_this_machine_is_one_of_a_machine() -> None:
    peak = measure_peak()
    assert 1 < (peak.fp32_gflops or 2) < 2000
    assert (peak.int8_gops or 1e5) > 1
    assert set(peak.read_gb_s) == {"l1", "l2", "l3", "dram"}
    # near memory is not slower than far memory, with room for a busy machine
    assert peak.read_gb_s["l1"] > 0.5 * peak.read_gb_s["dram"] > 0
    assert best_peak([peak, PEAK]).read_gb_s["dram"] == max(peak.read_gb_s["dram"], 10.0)
