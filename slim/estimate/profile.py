"""Each step of a program beside what the machine could do: which layers hold a network back, how far from their bound.

Times come from `Session.profile`, MACs and bytes from `layers.py`, limits from `slim.runtime.peak`; the figures go to
`slim bench --profile`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slim.estimate.layers import Layer
    from slim.runtime import StepTime
    from slim.runtime.peak import Peak


@dataclass(frozen=True)
class LayerTime:
    """One step of the program. `bound_s` is the time below which it cannot go without doing less work.

    Bytes are those of its activations and weights, each once; steps that only rearrange have neither MACs nor bytes.
    `peak_gops` is that of all the threads, in units of 1e9 operations a second, None where it is not known."""

    name: str
    operator: str
    seconds: float
    macs: int = 0
    activation_bytes: int = 0
    weight_bytes: int = 0
    integer: bool = False
    bound_s: float = 0.0
    memory_bound: bool = False
    peak_gops: float | None = None

    @property
    def gflops(self) -> float:
        """Operations a second in units of 1e9, a MAC counted as two, those of direct convolution."""
        return 2e-9 * self.macs / self.seconds

    @property
    def gb_s(self) -> float:
        """Bytes a second in units of 1e9."""
        return 1e-9 * (self.activation_bytes + self.weight_bytes) / self.seconds

    @property
    def of_peak(self) -> float | None:
        """Share of the peak; above 1 where a transform saves multiplications. None where one of them is not known."""
        return self.gflops / self.peak_gops if self.peak_gops and self.macs else None


def join(steps: Sequence[StepTime], layers: Sequence[Layer]) -> list[LayerTime]:
    """Steps of the core with the work of the layers that they carry out.

    A step bears the name of a layer's first node; a layer with MACs that no step is named after was fused into the one
    before it."""
    names = {step.name for step in steps}
    work: dict[str, LayerTime] = {}
    current = ""
    for layer in layers:
        current = layer.name if layer.name in names else current
        if current != layer.name and not (layer.macs and current):
            continue
        before = work.get(current, LayerTime(current, "", 0.0))
        work[current] = replace(
            before,
            macs=before.macs + layer.macs,
            activation_bytes=before.activation_bytes + layer.activation_bytes,
            weight_bytes=before.weight_bytes + layer.weight_bytes,
            integer=before.integer or layer.integer,
        )
    empty = LayerTime("", "", 0.0)
    return [
        replace(work.get(step.name, empty), name=step.name, operator=step.operator, seconds=step.seconds)
        for step in steps
    ]


def bounded(layers: Sequence[LayerTime], peak: Peak, threads: int, caches: tuple[int, int]) -> list[LayerTime]:
    """The layers with their bound: arithmetic at the peak of `threads` cores, or moving the bytes, whichever is longer.

    Activations move at the speed of the level that holds them; weights at that of the level that holds all of the
    network's, since each is read once a run. `caches`: bytes of the second level and of the last."""
    l2, l3 = caches
    reads = {level: 1e9 * speed for level, speed in peak.read_gb_s.items()}
    total = sum(layer.weight_bytes for layer in layers)
    weights_at = reads["l2"] if total <= l2 else reads["l3"] if total <= l3 else reads["dram"]
    found = []
    for layer in layers:
        rate = peak.of("int8" if layer.integer else "fp32")
        activations_at = reads["l2"] if layer.activation_bytes <= l2 else reads["l3"]
        # the shared levels do not get faster with a second core by much, so bytes are not divided
        memory = layer.activation_bytes / activations_at + layer.weight_bytes / weights_at
        arithmetic = 2 * layer.macs / (rate * 1e9 * threads) if rate else 0.0
        found.append(
            replace(
                layer,
                bound_s=max(memory, arithmetic),
                memory_bound=memory > arithmetic,
                peak_gops=rate * threads if rate else None,
            )
        )
    return found
