"""The memory plan of real networks: at most 5 % above the least possible, with one, two and four threads."""

from __future__ import annotations

import pytest

from slim.graph import simplify
from slim.load import load
from slim.lower import lower
from slim.quantize.qlinear import to_qdq
from slim.runtime.plan import plan
from tests.data import data_path
from tests.models.networks import ONNX, QUANTIZED


@pytest.mark.parametrize("name", [*ONNX, QUANTIZED])
def test_arenas_are_near_their_lower_bound(name: str) -> None:
    model, _ = simplify(to_qdq(load(data_path("models", *name.split("/")))))
    program = lower(model)
    for threads in (1, 2, 4):
        memory = plan(program, threads)
        least = memory.lower_bound_bytes
        assert least <= memory.arena_bytes <= 1.05 * least + 256, f"{threads} threads"
