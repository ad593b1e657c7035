"""Peak of the activations that must exist at the same time, from the layers alone.

Stands in for the core's planner where there is no program to plan: a model with unsupported operators, or one whose
weights were not given. The planner's arena also holds scratch memory and cannot always pack this tightly.
"""

from __future__ import annotations

from collections.abc import Sequence

from slim.estimate.layers import Layer


def peak_activation_bytes(layers: Sequence[Layer]) -> int:
    """The largest sum of bytes that are live during one layer: read by it, written by it, or needed after it.

    A layer that only renames bytes (reshape) shares its input's memory."""
    buffer: dict[str, str] = {}
    size: dict[str, int] = {}
    last: dict[str, int] = {}
    first: dict[str, int] = {}
    for index, layer in enumerate(layers):
        for activation in layer.inputs:
            root = buffer.setdefault(activation.name, activation.name)
            size.setdefault(root, activation.bytes)
            first.setdefault(root, 0)  # a model input lives from the start
            last[root] = index
        shares = layer.free and len(layer.inputs) == 1
        for activation in layer.outputs:
            root = buffer[layer.inputs[0].name] if shares else activation.name
            buffer[activation.name] = root
            size[root] = max(size.get(root, 0), activation.bytes)
            first.setdefault(root, index)
            last[root] = index
    produced_last = {buffer[a.name] for layer in layers for a in layer.outputs} - {
        buffer[a.name] for layer in layers for a in layer.inputs
    }
    for root in produced_last:  # outputs of the model live to the end
        last[root] = len(layers) - 1
    live = [sum(size[r] for r in size if first[r] <= index <= last[r]) for index in range(len(layers))]
    return max(live, default=0)
