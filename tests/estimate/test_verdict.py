"""Estimates and verdicts: memory as the core plans it, limits, and what a reader is told."""

from dataclasses import replace

import pytest

from slim.amalgamate import code_size
from slim.devices import Budget, load_device
from slim.errors import SlimError
from slim.estimate import check, estimate
from slim.lower import lower
from slim.runtime import plan
from tests.estimate.models import model_of, with_weights, zeros

RPI3 = load_device("rpi3")


def conv_net():
    return with_weights("y = Conv(x, w)", "float[1,8,16,16] x", "float[1,8,16,16] y", zeros("w", 8, 8, 1, 1))


def test_memory_is_what_the_core_plans():
    cost = estimate(conv_net(), RPI3, threads=2)
    program = lower(conv_net())
    planned = plan(program, 2, RPI3.isa)
    assert cost.exact
    assert (cost.ram["arena"], cost.ram["tables"]) == (planned.arena_bytes, planned.table_bytes)
    assert cost.ram["stack"] == 2 * 64 * 1024
    assert cost.ram["process"] == 2 * 1024**2
    assert cost.flash == {"weights": len(program), "code": code_size(program, RPI3.isa)}
    assert cost.flash["code"] > 1000
    assert {name: cost.ram[name] for name in cost.flash} == cost.flash
    assert cost.ram_bytes == sum(cost.ram.values())


def test_weights_read_from_flash_in_place_take_no_ram():
    in_place = replace(RPI3, weights_in_ram=False)
    assert "weights" not in estimate(conv_net(), in_place).ram


def test_totals_are_sums_over_layers():
    cost = estimate(conv_net(), RPI3)
    assert cost.macs == 8 * 8 * 256
    assert cost.flops == 2 * cost.macs
    assert cost.latency_s == pytest.approx(sum(cost.layer_seconds))
    assert cost.threads == RPI3.cores
    assert cost.latency_s <= cost.single_thread_s


@pytest.mark.parametrize("threads", [0, 65, -1])
def test_thread_counts_out_of_range_are_refused(threads):
    with pytest.raises(SlimError, match="use 1 to 64"):
        estimate(conv_net(), RPI3, threads)


def test_a_model_within_every_limit_fits():
    verdict = check(estimate(conv_net(), RPI3), RPI3)
    assert verdict.fits
    assert [one.name for one in verdict.checks] == ["latency", "flash", "RAM"]
    assert all(one.ok for one in verdict.checks)


@pytest.mark.parametrize(
    ("budget", "broken"),
    [
        (Budget(max_latency_s=1e-9), ["latency"]),
        (Budget(max_flash_bytes=10), ["flash"]),
        (Budget(max_ram_bytes=10), ["RAM"]),
        (Budget(1e-9, 10, 10), ["latency", "flash", "RAM"]),
    ],
)
def test_every_limit_that_is_passed_is_named(budget, broken):
    verdict = check(estimate(conv_net(), RPI3), RPI3, budget)
    assert not verdict.fits
    assert [one.name for one in verdict.checks if not one.ok] == broken


def test_a_limit_that_is_just_met_fits():
    cost = estimate(conv_net(), RPI3)
    assert check(cost, RPI3, Budget(cost.latency_s, cost.flash_bytes, cost.ram_bytes)).fits


def test_operators_that_the_core_cannot_run_are_all_listed_and_do_not_fit():
    model = model_of("a = Det(x) b = Acosh(a) y = Acosh(b)", "float[4,4] x", "float y")
    verdict = check(estimate(model, RPI3), RPI3)
    assert not verdict.fits
    assert {problem.where for problem in verdict.unsupported} == {"operator Det", "operator Acosh"}
    assert any("planner" in note for note in verdict.notes)


def test_a_reader_is_told_where_int8_is_predicted_to_be_slower():
    phone = load_device("phone-2018")
    body = "q = QuantizeLinear(x, s, z) xd = DequantizeLinear(q, s, z) wd = DequantizeLinear(w, s, wz) y = Gemm(xd, wd)"
    weights = [zeros("w", 64, 64, dtype=3), zeros("wz", dtype=3), zeros("z", dtype=2)]
    scale = zeros("s")
    scale.float_data[0] = 0.1
    model = with_weights(body, "float[64,64] x", "float[64,64] y", *weights, scale)
    slow = replace(phone, efficiency={**phone.efficiency, "int8": dict.fromkeys(phone.efficiency["int8"], 0.001)})
    assert any("slower than fp32" in note for note in check(estimate(model, slow), slow).notes)
    fast = replace(phone, efficiency={**phone.efficiency, "int8": dict.fromkeys(phone.efficiency["int8"], 0.9)})
    assert not any("slower than fp32" in note for note in check(estimate(model, fast), fast).notes)


def test_a_reader_is_told_how_far_the_latency_can_be_trusted():
    cost = estimate(conv_net(), RPI3)
    notes = " ".join(check(cost, RPI3, Budget(max_latency_s=1.1 * cost.latency_s)).notes)
    assert "up to 1.7x" in notes
    assert "within that error" in notes
    assert "within that error" not in " ".join(check(cost, RPI3).notes)
    zero = load_device("rpi-zero-w")
    assert "not calibrated" in " ".join(check(estimate(conv_net(), zero), zero).notes)


def test_more_threads_than_cores_are_predicted_as_the_cores():
    crowded = estimate(conv_net(), RPI3, threads=16)
    assert crowded.latency_s == estimate(conv_net(), RPI3, threads=4).latency_s
    assert any("16 threads share 4 cores" in note for note in check(crowded, RPI3).notes)
