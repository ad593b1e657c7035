"""`estimate`: layers, totals, memory and predicted latency of a model on a device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import onnx_ir as ir

from slim.devices import Device
from slim.errors import Problem, SlimError
from slim.estimate.layers import Activation, Layer, layers_of, parameters_of, weights_of
from slim.estimate.liveness import peak_activation_bytes
from slim.estimate.program import ProgramFacts, ask_core, weights_absent
from slim.estimate.roofline import layer_seconds

MAX_THREADS = 64


@dataclass(frozen=True)
class Estimate:
    """What a model costs on one device with one number of threads.

    `layer_seconds` has one entry for each of `layers`. `ram` and `flash` name every part that is counted, in bytes.
    `exact` says whether memory comes from the core's planner; where not (`problems`, or weights that were not given),
    the arena is the peak of live activations and the code is not counted. `float_latency_s` is the prediction for the
    same layers in fp32, given where some are integer.
    """

    model_name: str
    device: str
    isa: str
    threads: int
    layers: tuple[Layer, ...]
    layer_seconds: tuple[float, ...]
    single_thread_s: float
    float_latency_s: float | None
    parameters: int
    weight_bytes: int
    arena_bytes: int
    arena_lower_bound_bytes: int
    ram: Mapping[str, int]
    flash: Mapping[str, int]
    exact: bool
    problems: tuple[Problem, ...]

    @property
    def macs(self) -> int:
        """Multiply-adds of one inference."""
        return sum(layer.macs for layer in self.layers)

    @property
    def integer_macs(self) -> int:
        """Those of them that are done in 8 bits."""
        return sum(layer.macs for layer in self.layers if layer.integer)

    @property
    def flops(self) -> int:
        """Operations of one inference: two for each MAC, and the others."""
        return sum(layer.flops for layer in self.layers)

    @property
    def latency_s(self) -> float:
        """Predicted seconds of one inference."""
        return sum(self.layer_seconds)

    @property
    def ram_bytes(self) -> int:
        """All parts of RAM together."""
        return sum(self.ram.values())

    @property
    def flash_bytes(self) -> int:
        """All parts of flash together."""
        return sum(self.flash.values())


def estimate(model: ir.Model, device: Device, threads: int | None = None) -> Estimate:
    """What the model costs on the device, with all its cores unless `threads` says otherwise.

    The model has static shapes and has been through `slim.graph`. Raises SlimError for a thread count that is out of
    range, UnsupportedError for shapes that are not known."""
    count = device.cores if threads is None else threads
    if not 1 <= count <= MAX_THREADS:
        raise SlimError(Problem(f"{count} threads", do=f"use 1 to {MAX_THREADS}"))
    layers = layers_of(model)
    facts, problems = ask_core(model, device.isa, count)
    weights = facts.program_bytes if facts and not weights_absent(model) else weights_of(model)
    peak = peak_activation_bytes(layers)
    ram, flash = _memory(facts, weights, peak, device, count)
    seconds = tuple(layer_seconds(layer, device, min(count, device.cores)) for layer in layers)
    floats = None
    if any(layer.integer for layer in layers):
        floats = sum(layer_seconds(_in_float(layer), device, min(count, device.cores)) for layer in layers)
    return Estimate(
        model_name=model.graph.name or "model",
        device=device.name,
        isa=device.isa,
        threads=count,
        layers=layers,
        layer_seconds=seconds,
        single_thread_s=sum(layer_seconds(layer, device, 1) for layer in layers),
        float_latency_s=floats,
        parameters=parameters_of(model),
        weight_bytes=weights_of(model),
        arena_bytes=ram["arena"],
        arena_lower_bound_bytes=facts.lower_bound_bytes if facts else peak,
        ram=ram,
        flash=flash,
        exact=facts is not None,
        problems=problems,
    )


def _memory(
    facts: ProgramFacts | None, weights: int, peak: int, device: Device, threads: int
) -> tuple[dict[str, int], dict[str, int]]:
    """Parts of RAM and flash. Pages of a mapped program are resident while it runs, so weights and code are in both,
    unless the device reads them from flash in place."""
    flash = {"weights": weights}
    if facts:
        flash["code"] = facts.code_bytes
    ram = {"arena": facts.arena_bytes if facts else peak}
    if facts:
        ram["tables"] = facts.table_bytes
    ram["stack"] = device.stack_bytes * threads
    ram["process"] = device.process_ram_bytes
    if device.weights_in_ram:
        ram |= flash
    return ram, flash


def _in_float(layer: Layer) -> Layer:
    """An integer layer as it would be in fp32: four bytes where it has one."""
    if not layer.integer:
        return layer

    def wide(activations: tuple[Activation, ...]) -> tuple[Activation, ...]:
        return tuple(replace(activation, bytes=4 * activation.bytes) for activation in activations)

    return replace(
        layer,
        integer=False,
        weight_bytes=4 * layer.weight_bytes,
        inputs=wide(layer.inputs),
        outputs=wide(layer.outputs),
    )
