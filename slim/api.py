"""The public functions: each composes the rooms below it, which `docs/architecture.md` lists.

Wherever a model is expected, a path (`.onnx`, `*-symbol.json`) or an `onnx_ir.Model` will do; a model that is passed in
is never changed. Rooms are imported when a function needs them.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from slim.errors import Problem, SlimError
from slim.load import load
from slim.runtime import Session as ProgramSession

if TYPE_CHECKING:
    import numpy as np
    import onnx_ir as ir

    from slim.amalgamate import BuildResult
    from slim.devices import Budget, Device
    from slim.estimate import Estimate, Verdict
    from slim.estimate.profile import LayerTime
    from slim.inputs import Recipe, Samples
    from slim.prune import PassReport
    from slim.quantize import Report
    from slim.quantize.agreement import Agreement
    from slim.runtime.handle import ProgramLike

    ModelLike = ir.Model | str | os.PathLike[str]
    DeviceLike = Device | str | os.PathLike[str]
    SamplesLike = Iterable[Mapping[str, np.ndarray]] | str | os.PathLike[str]

__all__ = [
    "Compressed",
    "Session",
    "build",
    "check",
    "compress",
    "estimate",
    "load",
    "profile",
    "prune",
    "quantize",
    "simplify",
]


def simplify(model: ModelLike) -> tuple[ir.Model, list[PassReport]]:
    """The same function in fewer nodes: constants folded, batch norms and pads fused, activations recognised.

    Returns the new model and one report for each pass. Raises `SlimError` for a graph that breaks ONNX's rules.
    """
    from slim.graph import simplify

    return simplify(_copy(model))


def prune(model: ModelLike) -> tuple[ir.Model, list[PassReport]]:
    """Without the nodes, weights and inputs that no output needs or that only training needed."""
    from slim.prune import prune_unused

    copy = _copy(model)
    return copy, [prune_unused(copy)]


def quantize(
    model: ModelLike, samples: SamplesLike, *, method: str = "mse", keep_float: Collection[str] = ()
) -> tuple[ir.Model, Report]:
    """The simplified model in 8 bits, as standard QDQ ONNX, and what was done.

    `samples` are `{input name: array}`, iterated more than once, or a folder of `.npy` or `.npz` files; `method` (mse,
    minmax, percentile) chooses ranges; `keep_float` names nodes that stay in float. Raises `SlimError` for samples that
    are missing or not finite.
    """
    simple = _standard(model)
    return _quantized(simple, _samples(samples, simple), method, keep_float)


def estimate(model: ModelLike, device: DeviceLike, threads: int | None = None) -> Estimate:
    """MACs, bytes, arena and predicted latency of the simplified model on a device.

    `threads` is the device's number of cores where not given. Raises `SlimError` for an unknown device.
    """
    from slim.estimate import estimate

    return estimate(_standard(model), _device(device), threads)


def check(model: ModelLike | Estimate, device: DeviceLike, budget: Budget | None = None) -> Verdict:
    """Whether a model (or an estimate of it) fits: `budget` first, the device's own limits where it leaves any open."""
    from slim.estimate import Estimate, check

    profile = _device(device)
    return check(model if isinstance(model, Estimate) else estimate(model, profile), profile, budget)


@dataclass(frozen=True)
class Compressed:
    """What `compress` made: the model, what quantization did and cost, and the estimate and verdict for the device."""

    model: ir.Model
    report: Report
    agreement: Agreement
    estimate: Estimate
    verdict: Verdict


def compress(
    model: ModelLike,
    device: DeviceLike,
    samples: SamplesLike,
    *,
    budget: Budget | None = None,
    threads: int | None = None,
) -> Compressed:
    """Shrink a model for a device: simplified, then quantized to 8 bits; `verdict.fits` says whether that was enough,
    `agreement` what it cost.

    `samples` are as for `quantize`. Raises `SlimError` for bad samples or an unknown device.
    """
    from slim.estimate import estimate
    from slim.quantize.agreement import agreement

    profile = _device(device)
    simple = _standard(model)
    read = _samples(samples, simple)
    quantized, report = _quantized(simple, read)
    kept = agreement(simple, quantized, read)
    cost = estimate(quantized, profile, threads)
    return Compressed(quantized, report, kept, cost, check(cost, profile, budget))


def build(
    model: ModelLike,
    output: str | os.PathLike[str],
    *,
    target: str = "host",
    embed: bool = False,
    compile: bool = False,
    name: str | None = None,
    optimize: str = "speed",
    weights: str = "fp32",
    arithmetic: str = "fp32",
    source: str | os.PathLike[str] | None = None,
) -> BuildResult:
    """Write the model as one C file with header, weights, example and Makefile to the folder `output`.

    `embed` puts the weights into the C file, `compile` also compiles it, `name` begins files and C names. `optimize` is
    "speed", or "size": no memory is traded for speed, and the code is smaller (of a `.slim` program the code alone: it
    has chosen already how it computes). `weights` is "fp32", "fp16" or "bf16", `arithmetic` "fp32" or
    "bf16". `source` is the file that a loaded model came from: the C file says its SHA-256, and is named after it where
    there is no `name`. Raises `UnsupportedError` with every operator that the core does not have.
    """
    from slim.amalgamate import build

    computes = "speed" if _is_program(model) else optimize
    program, sha256 = _program(model, computes, weights, arithmetic), ""
    if isinstance(program, (str, os.PathLike)):
        ProgramSession(program).close()  # which names the file where it is no program
    if source is None and isinstance(model, (str, os.PathLike)):
        source = model
    if source is not None:
        path = Path(source)
        name = name or path.stem.removesuffix("-symbol")
        sha256 = _sha256(path)
    program = Path(program).read_bytes() if isinstance(program, (str, os.PathLike)) else program
    name = name or getattr(getattr(model, "graph", None), "name", None) or "model"
    return build(
        program, name=name, target=target, out=Path(output), embed=embed, compile=compile, small=optimize == "size",
        model_sha256=sha256,
    )  # fmt: skip


class Session(ProgramSession):
    """A model ready to run on the C core in this process.

    Args:
        model: a path (`.onnx`, `*-symbol.json`, `.slim`), an `onnx_ir.Model`, or the bytes of a `.slim` program.
        threads: worker threads, the caller's included.
        isa: instruction set; "auto" is the best that this processor has.
        optimize: "speed", or "size": no memory is traded for speed.
        weights: "fp32", or "fp16" or "bf16": float weights are rounded to 16 bits.
        arithmetic: "fp32", or "bf16": float convolutions and dense layers round their inputs and weights to bf16 and
            sum in fp32, which is faster where the processor has AVX512_BF16.

    Raises:
        SlimError: one of the last three for a program, which has chosen already.
        UnsupportedError: operators that the core does not have, all of them.
        CoreError: a broken program.
    """

    def __init__(
        self,
        model: ModelLike | ProgramLike,
        threads: int = 1,
        isa: str = "auto",
        *,
        optimize: str = "speed",
        weights: str = "fp32",
        arithmetic: str = "fp32",
    ) -> None:
        super().__init__(_program(model, optimize, weights, arithmetic), threads, isa)


def profile(
    model: ModelLike | ProgramLike,
    *,
    threads: int = 1,
    isa: str = "auto",
    runs: int = 20,
    optimize: str = "speed",
    weights: str = "fp32",
    arithmetic: str = "fp32",
) -> list[LayerTime]:
    """Median time of each step on this machine beside its work and its bound, in the order of the program.

    Inputs are seeded normal values; the peak of a core is measured before and after, about half a second each. The
    steps of a `.slim` program have a time only: it does not say what they compute. Raises as `Session` does.
    """
    from slim.estimate.layers import layers_of
    from slim.estimate.measure import random_feeds
    from slim.estimate.profile import bounded, join
    from slim.runtime.peak import best_peak, cache_bytes, measure_peak

    graph = None if _is_program(model) else _standard(cast("ModelLike", model))
    layers = layers_of(graph) if graph else ()
    session = Session(graph or model, threads, isa, optimize=optimize, weights=weights, arithmetic=arithmetic)
    before = measure_peak()
    steps = session.profile(random_feeds(session.inputs), runs)
    return bounded(join(steps, layers), best_peak([before, measure_peak()]), threads, cache_bytes())


def _sha256(path: Path) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy(model: ModelLike) -> ir.Model:
    """The model of a path, or a copy of the one given: passes edit in place. Weights are shared, not copied."""
    return load(model) if isinstance(model, (str, os.PathLike)) else model.clone()


def _standard(model: ModelLike) -> ir.Model:
    """Simplified, with quantized operators as QDQ: what the rooms from `quantize` on take."""
    from slim.graph import simplify
    from slim.quantize.qlinear import to_qdq

    return simplify(to_qdq(_copy(model)))[0]


def _quantized(
    simple: ir.Model,
    samples: Iterable[Mapping[str, np.ndarray]],
    method: str = "mse",
    keep_float: Collection[str] = (),
) -> tuple[ir.Model, Report]:
    """A model that is standard already, in 8 bits, and standard again: float weights that integers replaced are gone,
    equal scales and zero points stored once."""
    from slim.graph.duplicates import merge_duplicates
    from slim.prune import remove_unused
    from slim.quantize import quantize

    quantized, report = quantize(simple, samples, method=method, keep_float=keep_float)
    remove_unused(quantized)
    merge_duplicates(quantized)
    return quantized, report


def _device(device: DeviceLike) -> Device:
    from slim.devices import Device, load_device

    return device if isinstance(device, Device) else load_device(os.fspath(device))


def _samples(samples: SamplesLike, model: ir.Model) -> Iterable[Mapping[str, np.ndarray]]:
    if not isinstance(samples, (str, os.PathLike)):
        return samples
    return samples_for(model, samples)


def samples_for(model: ir.Model, folder: str | os.PathLike[str], recipe: Recipe | None = None) -> Samples:
    """The samples of a folder (or one file), which must have the names and shapes of the model's inputs."""
    from slim.inputs import samples

    shapes = {value.name or "": value.shape.numpy() for value in model.graph.inputs if value.shape is not None}
    return samples(Path(folder), list(shapes), recipe, shapes=shapes)


def _is_program(model: ModelLike | ProgramLike) -> bool:
    """Whether it is a `.slim` program, its path or its bytes, and no model."""
    if isinstance(model, (str, os.PathLike)):
        return os.fspath(model).endswith(".slim")
    return isinstance(model, (bytes, bytearray, memoryview))


def _program(model: ModelLike | ProgramLike, optimize: str, weights: str, arithmetic: str) -> ProgramLike:
    """The `.slim` program of whatever was given: its path or its bytes."""
    if _is_program(model):
        asked = {"optimize": optimize != "speed", "weights": weights != "fp32", "arithmetic": arithmetic != "fp32"}
        if chosen := [option for option, wanted in asked.items() if wanted]:
            do = "give the model that it was made from"
            raise SlimError(Problem("a program has chosen already", f"option '{option}'", do) for option in chosen)
        return cast("ProgramLike", model)
    from slim.lower import lower

    return lower(_standard(cast("ModelLike", model)), optimize=optimize, weights=weights, arithmetic=arithmetic)
