"""`check`: an estimate held against a budget."""

from __future__ import annotations

from dataclasses import dataclass

from slim.devices import Budget, Device
from slim.errors import Problem
from slim.estimate.pipeline import Estimate


@dataclass(frozen=True)
class Check:
    """One figure and its limit: `name` is latency (seconds), flash or RAM (bytes). No limit is always met."""

    name: str
    value: float
    limit: float | None

    @property
    def ok(self) -> bool:
        """Whether the figure is within its limit."""
        return self.limit is None or self.value <= self.limit


@dataclass(frozen=True)
class Verdict:
    """Whether a model fits a device. `unsupported` are operators that the core cannot run; `notes` are sentences that
    a reader should know before relying on the figures."""

    device: str
    checks: tuple[Check, ...]
    unsupported: tuple[Problem, ...]
    notes: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether every figure is within its limit and the core can run every operator."""
        return not self.unsupported and all(check.ok for check in self.checks)


def check(estimate: Estimate, device: Device, budget: Budget | None = None) -> Verdict:
    """Hold the estimate against `budget`, and against the device's own budget where that leaves a limit open."""
    limits = (budget or Budget()).over(device.budget)
    notes = _notes(estimate, device)
    checks = (
        Check("latency", estimate.latency_s, limits.max_latency_s),
        Check("flash", estimate.flash_bytes, limits.max_flash_bytes),
        Check("RAM", estimate.ram_bytes, limits.max_ram_bytes),
    )
    latency = checks[0]
    doubt = _expected_factor(estimate, device)
    if latency.ok and latency.limit is not None and latency.limit < doubt * latency.value:
        notes.insert(1, "The latency budget is within that error: measure on the device before relying on it.")
    return Verdict(device.name, checks, estimate.problems, tuple(notes))


def _expected_factor(estimate: Estimate, device: Device) -> float:
    """How far off the predicted latency may be: what a network left out of the fit was off by, or int8's own error.

    Nothing is known of a device without a calibration; 1 adds no doubt to the note that says so."""
    if device.calibration is None:
        return 1.0
    integer = estimate.integer_macs * 2 > estimate.macs
    return max(device.calibration.held_out_factor, device.calibration.worst_factor_int8 if integer else 1.0)


def _notes(estimate: Estimate, device: Device) -> list[str]:
    notes = []
    if device.calibration is None:
        notes.append(f"Latency on {device.name} is not calibrated: no published measurements of it were found.")
    else:
        factor = _expected_factor(estimate, device)
        notes.append(
            f"Latency is a prediction, fitted to what ncnn reaches on {device.name}: expect it to be off by up to "
            f"{factor:.1f}x on another network."
        )
    if not estimate.exact:
        notes.append(
            "The arena is the peak of live activations and code is not counted: "
            "there is no program for the core's planner."
        )
    if estimate.threads > device.cores:
        notes.append(f"{estimate.threads} threads share {device.cores} cores: latency is that of {device.cores}.")
    if estimate.float_latency_s is not None and estimate.float_latency_s < estimate.latency_s:
        ratio = estimate.latency_s / estimate.float_latency_s
        notes.append(f"int8 is predicted to be {ratio:.2g}x slower than fp32 on {device.name}; it still saves memory.")
    return notes
