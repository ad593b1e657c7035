"""What slim knows of devices: profiles in `configs/devices/*.toml`, and the budgets that a model is held against.

`load_device` reads a profile by name or path; `slim.estimate` predicts with it and checks against its budget. A figure
has its unit in its name here; in the file, sizes and times are text with a unit ("512KiB", "100ms"). Every figure of a
profile that comes with slim names its source. docs/adding-a-device.md explains each key.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from slim.configs import config_names, find_config, read_config
from slim.errors import Problem, SlimError

ISAS = ("plain", "avx2", "avxvnni", "avx512", "avx512vnni", "neon", "neondot", "wasm")
KINDS = {
    "fp32": ("conv", "winograd", "pointwise", "depthwise", "dense"),
    "int8": ("conv", "pointwise", "depthwise", "dense"),
}

_BYTE_UNITS = {"b": 1, "": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "kib": 1024, "mib": 1024**2, "gib": 1024**3}
_TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "\N{MICRO SIGN}s": 1e-6}
_QUANTITY = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-zA-Z\N{MICRO SIGN}]*)\s*")


def parse_bytes(text: str) -> int:
    """Bytes of "5MiB" (powers of 1024), "5MB" (powers of 1000), "4096" or "4096B".

    Raises SlimError for anything else, and for fewer than 1 byte."""
    return int(_quantity(text, _BYTE_UNITS, "a size", "5MiB, 500KB or 4096"))


def parse_seconds(text: str) -> float:
    """Seconds of "100ms", "0.1s" or "250us". Raises SlimError for anything else, and for zero."""
    return _quantity(text, _TIME_UNITS, "a time", "100ms, 0.1s or 250us")


def _quantity(text: str, units: Mapping[str, float], what: str, examples: str) -> float:
    match = _QUANTITY.fullmatch(text)
    unit = units.get(match[2].lower()) if match else None
    value = float(match[1]) * unit if match and unit is not None else 0.0
    if value < min(units.values()) or not math.isfinite(value):
        raise SlimError(Problem(f"'{text}' is not {what}", do=f"write for example {examples}"))
    return value


@dataclass(frozen=True)
class Budget:
    """What a model may take. A limit that is None is not checked."""

    max_latency_s: float | None = None
    max_flash_bytes: int | None = None
    max_ram_bytes: int | None = None

    @classmethod
    def parse(cls, latency: str | None = None, flash: str | None = None, ram: str | None = None) -> Budget:
        """From texts such as "100ms", "5MiB", "32MB". Raises SlimError with every one that cannot be read."""
        problems: list[Problem] = []

        def read(name: str, text: str | None, parse: Any) -> Any:
            try:
                return None if text is None else parse(text)
            except SlimError as error:
                problems.extend(problem._replace(where=f"budget for {name}") for problem in error.problems)
                return None

        budget = cls(
            read("latency", latency, parse_seconds), read("flash", flash, parse_bytes), read("RAM", ram, parse_bytes)
        )
        if problems:
            raise SlimError(problems)
        return budget

    def over(self, base: Budget) -> Budget:
        """This budget, with `base` where this one has no limit."""

        given = {key: value for key, value in asdict(self).items() if value is not None}
        return replace(base, **given)


@dataclass(frozen=True)
class Calibration:
    """What the efficiencies were fitted to.

    `device` is the start of its name in the source, `precision` the float arithmetic measured there. The factors are
    the largest between prediction and measurement: `worst_factor` (fp32) and `worst_factor_int8` left by the fit,
    `held_out_factor` (fp32) of networks that were left out of it in turn."""

    source: str
    device: str
    precision: str
    threads: tuple[int, ...]
    worst_factor: float
    worst_factor_int8: float
    held_out_factor: float


@dataclass(frozen=True)
class Device:
    """A device profile. MACs a cycle are for one core; `speedup` and `bandwidth` map threads to compute speed relative
    to one thread, and to effective bytes per second."""

    name: str
    title: str
    processor: str
    isa: str
    target: str
    cores: int
    clock_hz: float
    fp32_macs_per_cycle: float
    fp16_macs_per_cycle: float
    int8_macs_per_cycle: float
    l1d_bytes: int
    l2_bytes: int
    ram_bytes: int
    app_ram_bytes: int
    process_ram_bytes: int
    stack_bytes: int
    weights_in_ram: bool
    flash_bytes: int
    speedup: Mapping[int, float]
    bandwidth_bytes_per_s: Mapping[int, float]
    layer_overhead_s: float
    efficiency: Mapping[str, Mapping[str, float]]
    budget: Budget
    calibration: Calibration | None
    sources: Mapping[str, str]


def list_devices() -> list[str]:
    """Names of the profiles that come with slim, in order."""
    return config_names("devices")


def load_device(name_or_path: str | Path) -> Device:
    """The profile of a name that comes with slim (`rpi3`), or of your own TOML file.

    Raises SlimError when there is none (naming those that exist and the nearest), or with every key that is wrong."""
    path = find_config("devices", str(name_or_path))
    return _Reader(path, read_config(path)).device()


class _Reader:
    """Reads one profile, collecting every problem before it raises."""

    def __init__(self, path: Path, table: dict[str, Any]) -> None:
        self.path = path
        self.table = table
        self.problems: list[Problem] = []
        self.asked: set[str] = set()

    def device(self) -> Device:
        efficiency = {
            precision: {kind: self.number(f"efficiency.{precision}.{kind}") for kind in kinds}
            for precision, kinds in KINDS.items()
        }
        isa = self.text("isa")
        if isa and isa not in ISAS:
            self.wrong(f"isa must be one of {', '.join(ISAS)}, not '{isa}'")
        device = Device(
            name=self.path.stem,
            title=self.text("title"),
            processor=self.text("processor"),
            isa=isa,
            target=self.text("target"),
            cores=int(self.number("cpu.cores")),
            clock_hz=self.number("cpu.clock_hz"),
            fp32_macs_per_cycle=self.number("cpu.fp32_macs_per_cycle"),
            fp16_macs_per_cycle=self.number("cpu.fp16_macs_per_cycle", zero=True),
            int8_macs_per_cycle=self.number("cpu.int8_macs_per_cycle"),
            l1d_bytes=self.size("cpu.l1d"),
            l2_bytes=self.size("cpu.l2"),
            ram_bytes=self.size("memory.ram"),
            app_ram_bytes=self.size("memory.app_ram"),
            process_ram_bytes=self.size("memory.process_ram"),
            stack_bytes=self.size("memory.stack"),
            weights_in_ram=self.get("memory.weights_in_ram", bool) is True,
            flash_bytes=self.size("memory.flash"),
            speedup=self.by_threads("roofline.speedup"),
            bandwidth_bytes_per_s=self.by_threads("roofline.bandwidth"),
            layer_overhead_s=self.number("roofline.layer_overhead_s"),
            efficiency=efficiency,
            budget=self.budget(),
            calibration=self.calibration() if "calibration" in self.table else None,
            sources=self.sources(),
        )
        unknown = [key for key in _leaves(self.table) if key not in self.asked and not key.startswith("sources.")]
        self.problems += [Problem(f"has the unknown key {key}", str(self.path)) for key in unknown]
        if self.problems:
            raise SlimError(self.problems)
        return device

    def wrong(self, what: str) -> None:
        self.problems.append(Problem(what, str(self.path)))

    def get(self, key: str, *types: type) -> Any:
        self.asked.add(key)
        value: Any = self.table
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            self.wrong(f"needs {key}")
        elif not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            self.wrong(f"{key} must be a {types[0].__name__}, not {value!r}")
        else:
            return value
        return None

    def text(self, key: str) -> str:
        return self.get(key, str) or ""

    def number(self, key: str, zero: bool = False) -> float:
        value = self.get(key, float, int)
        if value is not None and not (math.isfinite(value) and (value > 0 or (zero and value == 0))):
            self.wrong(f"{key} must be above 0, not {value}")
            return 1.0
        return float(value or 0)

    def size(self, key: str) -> int:
        value = self.get(key, str)
        try:
            return parse_bytes(value) if value is not None else 0
        except SlimError as error:
            self.problems += [problem._replace(where=f"{self.path}: {key}") for problem in error.problems]
            return 0

    def by_threads(self, key: str) -> dict[int, float]:
        table = self.get(key, dict) or {}
        self.asked |= {f"{key}.{count}" for count in table}
        good = all(count.isdecimal() and int(count) > 0 for count in table)
        if not good or "1" not in table:
            self.wrong(f"{key} needs thread counts as keys, 1 among them")
            return {1: 1.0}
        return {int(count): self.number(f"{key}.{count}") for count in sorted(table, key=int)}

    def budget(self) -> Budget:
        texts = {key: self.text(f"budget.{key}") or None for key in ("latency", "flash", "ram")}
        try:
            return Budget.parse(**texts)
        except SlimError as error:
            self.problems += [problem._replace(where=f"{self.path}: {problem.where}") for problem in error.problems]
            return Budget()

    def calibration(self) -> Calibration:
        threads = self.get("calibration.threads", list) or []
        return Calibration(
            self.text("calibration.source"),
            self.text("calibration.device"),
            self.text("calibration.precision"),
            tuple(int(count) for count in threads),
            self.number("calibration.worst_factor"),
            self.number("calibration.worst_factor_int8"),
            self.number("calibration.held_out_factor"),
        )

    def sources(self) -> dict[str, str]:
        return {str(key): str(value) for key, value in self.table.get("sources", {}).items()}


def _leaves(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= _leaves(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found
