"""JSON documents, one for each command, as `slim.schema.json` describes them.

Names carry their unit (`_bytes`, `_s`); sizes are integers, times seconds. Keys are only ever added within a version.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slim.devices import Device
from slim.errors import Problem
from slim.estimate import Activation, Estimate, Layer, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slim.amalgamate import BuildResult
    from slim.api import Compressed
    from slim.estimate.measure import Measurement
    from slim.estimate.profile import LayerTime
    from slim.quantize.agreement import Agreement
    from slim.quantize.report import Report
    from slim.report.labels import Guess
    from slim.report.results import Outputs
    from slim.runtime import Session, StepTime

SCHEMA = Path(__file__).with_name("slim.schema.json")
VERSION = 1

Document = dict[str, Any]


def envelope(command: str, **content: Any) -> Document:
    """The start of every document: which version of the schema, which command."""
    return {"schema_version": VERSION, "command": command, **content}


def check_document(verdict: Verdict, estimate: Estimate) -> Document:
    """`slim check --json`: the verdict, each figure with its limit, totals and layers."""
    return envelope("check", **verdict_part(verdict), estimate=estimate_part(estimate))


def verdict_part(verdict: Verdict) -> Document:
    """The verdict alone, also part of what `slim compress` prints."""
    checks = {}
    for check in verdict.checks:
        unit = "s" if check.name == "latency" else "bytes"
        checks[check.name.lower()] = {f"value_{unit}": check.value, f"limit_{unit}": check.limit, "ok": check.ok}
    return {
        "fits": verdict.fits,
        "device": verdict.device,
        "checks": checks,
        "unsupported": [problem_part(problem) for problem in verdict.unsupported],
        "notes": list(verdict.notes),
    }


def problem_part(problem: Problem) -> Document:
    """What is wrong, where, and what to do."""
    return {"what": problem.what, "where": problem.where, "do": problem.do}


def estimate_part(estimate: Estimate) -> Document:
    """Totals, parts of memory, and layers."""
    return {
        "model": estimate.model_name,
        "device": estimate.device,
        "isa": estimate.isa,
        "threads": estimate.threads,
        "macs": estimate.macs,
        "integer_macs": estimate.integer_macs,
        "flops": estimate.flops,
        "parameters": estimate.parameters,
        "weight_bytes": estimate.weight_bytes,
        "latency_s": estimate.latency_s,
        "single_thread_latency_s": estimate.single_thread_s,
        "float_latency_s": estimate.float_latency_s,
        "arena_bytes": estimate.arena_bytes,
        "arena_lower_bound_bytes": estimate.arena_lower_bound_bytes,
        "ram_bytes": dict(estimate.ram),
        "flash_bytes": dict(estimate.flash),
        "exact_memory": estimate.exact,
        "layers": [_layer(layer, s) for layer, s in zip(estimate.layers, estimate.layer_seconds, strict=True)],
    }


def _layer(layer: Layer, seconds: float) -> Document:
    return {
        "name": layer.name,
        "operators": list(layer.operators),
        "kind": str(layer.kind),
        "integer": layer.integer,
        "macs": layer.macs,
        "flops": layer.flops,
        "weight_bytes": layer.weight_bytes,
        "inputs": [_activation(activation) for activation in layer.inputs],
        "outputs": [_activation(activation) for activation in layer.outputs],
        "latency_s": seconds,
    }


def _activation(activation: Activation) -> Document:
    return {"name": activation.name, "shape": list(activation.shape), "bytes": activation.bytes}


def device_part(device: Device) -> Document:
    """A profile, for `slim devices --json`."""
    budget = device.budget
    return {
        "name": device.name,
        "title": device.title,
        "processor": device.processor,
        "isa": device.isa,
        "target": device.target,
        "cores": device.cores,
        "clock_hz": device.clock_hz,
        "ram_bytes": device.ram_bytes,
        "calibrated": device.calibration is not None,
        "budget": {
            "max_latency_s": budget.max_latency_s,
            "max_flash_bytes": budget.max_flash_bytes,
            "max_ram_bytes": budget.max_ram_bytes,
        },
        "sources": dict(device.sources),
    }


def quantization_part(report: Report) -> Document:
    """What was quantized, what stayed in float and why, and the range of each activation."""
    return {
        "quantized": list(report.quantized),
        "stayed_float": [{"node": node, "why": why} for node, why in report.stayed_float.items()],
        "ranges": [
            {
                "name": r.name,
                "seen": list(r.seen),
                "represented": list(r.represented),
                "scale": r.scale,
                "zero_point": r.zero_point,
            }
            for r in report.ranges
        ],
        "notes": list(report.notes),
    }


def tensor_part(name: str, shape: tuple[int, ...], dtype: object) -> Document:
    """An input or output of a program."""
    return {"name": name, "shape": list(shape), "dtype": str(dtype)}


def run_document(outputs: Outputs, steps: Sequence[StepTime], guesses: Sequence[Guess]) -> Document:
    """`slim run --json`: outputs by shape (their values go to --output), best classes, time of each step."""
    return envelope(
        "run",
        outputs=[tensor_part(name, array.shape, array.dtype) for name, array in outputs.items()],
        classes=[{"index": g.index, "label": g.label, "score": g.score} for g in guesses],
        steps=[{"name": s.name, "operator": s.operator, "seconds": s.seconds} for s in steps],
    )


def bench_document(
    session: Session, measured: Measurement, program_bytes: int, layers: Sequence[LayerTime] = ()
) -> Document:
    """`slim bench --json`."""
    return envelope(
        "bench",
        isa=session.isa,
        threads=session.threads,
        runs=measured.runs,
        median_s=measured.median_s,
        fastest_s=measured.fastest_s,
        ninetieth_s=measured.ninetieth_s,
        arena_bytes=session.arena_bytes,
        program_bytes=program_bytes,
        inputs=[tensor_part(info.name, info.shape, info.dtype) for info in session.inputs],
        outputs=[tensor_part(info.name, info.shape, info.dtype) for info in session.outputs],
        layers=[layer_time_part(layer) for layer in layers],
    )


def layer_time_part(layer: LayerTime) -> Document:
    """A measured step; `bound_s` is 0 where its work is not known, `of_peak` null."""
    return {
        "name": layer.name,
        "operator": layer.operator,
        "seconds": layer.seconds,
        "macs": layer.macs,
        "bytes": layer.activation_bytes + layer.weight_bytes,
        "gflops": layer.gflops,
        "gb_s": layer.gb_s,
        "of_peak": layer.of_peak,
        "bound_s": layer.bound_s,
        "bound_by": "bytes" if layer.memory_bound else "arithmetic",
    }


def compress_document(result: Compressed, estimate: Estimate, output: str, output_bytes: int) -> Document:
    """`slim compress --json`: the verdict on the compressed model, its estimate, and what was quantized."""
    return envelope(
        "compress",
        output=output,
        output_bytes=output_bytes,
        **verdict_part(result.verdict),
        estimate=estimate_part(estimate),
        quantization=quantization_part(result.report),
        agreement=agreement_part(result.agreement),
    )


def agreement_part(agreement: Agreement) -> Document:
    """The compressed model's outputs beside the float ones; no decibels where they are the same."""
    decibels = agreement.sqnr_db if math.isfinite(agreement.sqnr_db) else None
    return {"samples": agreement.samples, "sqnr_db": decibels, "same_largest": agreement.same_largest}


def build_document(built: BuildResult) -> Document:
    """`slim build --json`: the files by kind, and what is in them."""
    return envelope(
        "build",
        name=built.name,
        target=built.target,
        isas=list(built.isas),
        operators=list(built.operators),
        kernels=list(built.kernels),
        program_bytes=built.program_bytes,
        arena_bytes=built.arena_bytes,
        files=[{"kind": kind, "path": str(path), "bytes": built.sizes[kind]} for kind, path in built.paths.items()],
    )
