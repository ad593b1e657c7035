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
    checks = (
        Check("latency", estimate.latency_s, limits.max_latency_s),
        Check("flash", estimate.flash_bytes, limits.max_flash_bytes),
        Check("RAM", estimate.ram_bytes, limits.max_ram_bytes),
    )
    return Verdict(device.name, checks, estimate.problems, tuple(_notes(estimate, device)))


def _notes(estimate: Estimate, device: Device) -> list[str]:
    notes = []
    fitted = device.calibration
    if fitted is None:
        notes.append(f"Latency on {device.name} is not calibrated: no published measurements of it were found.")
    else:
        integer = estimate.integer_macs * 2 > estimate.macs
        factor, what = (fitted.worst_factor_int8, "int8") if integer else (fitted.worst_factor, "fp32")
        notes.append(
            f"Latency is predicted; such {what} figures for {device.name} are within {factor:.2f}x of ncnn's published ones."
        )
    if not estimate.exact:
        notes.append("The arena is the peak of live activations: there is no program for the core's planner.")
    if "code" not in estimate.flash:
        notes.append("The size of the code is not counted.")
    if estimate.threads > device.cores:
        notes.append(f"{estimate.threads} threads share {device.cores} cores: latency is that of {device.cores}.")
    if estimate.float_latency_s is not None and estimate.float_latency_s < estimate.latency_s:
        ratio = estimate.latency_s / estimate.float_latency_s
        notes.append(f"int8 is predicted to be {ratio:.2g}x slower than fp32 on {device.name}; it still saves memory.")
    return notes
