"""What quantization did, for people and for `--json`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TensorRange:
    """One quantized activation: what calibration saw and the interval that its 256 levels represent."""

    name: str
    seen: tuple[float, float]
    represented: tuple[float, float]
    scale: float
    zero_point: int


@dataclass(frozen=True)
class Report:
    """`quantized`: nodes that compute in integers; `stayed_float`: node name to reason; `notes`: sentences."""

    ranges: tuple[TensorRange, ...]
    quantized: tuple[str, ...]
    stayed_float: dict[str, str]
    notes: tuple[str, ...] = ()
