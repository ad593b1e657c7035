"""A program's memory, planned here for any instruction set, is what a session with it takes."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from onnx import helper

from slim.errors import CoreError
from slim.lower import lower
from slim.quantize import quantize
from slim.runtime import ISAS, Session, plan
from tests.nets import net


def _convolution(channels: int, outputs: int, window: int, size: int, integer: bool) -> ir.Model:
    rng = np.random.default_rng(6)
    shape, margin = (1, channels, size, size), window // 2
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["z"], pads=[margin] * 4),
        helper.make_node("Conv", ["z", "v"], ["y"]),  # so that z is in 8 bits
    ]
    shapes = {"w": (outputs, channels, window, window), "v": (8, outputs, 1, 1)}
    weights = {name: rng.normal(0, 0.1, dims).astype(np.float32) for name, dims in shapes.items()}
    model = ir.from_proto(net(nodes, {"x": shape}, ["y"], weights))
    return quantize(model, [{"x": rng.normal(size=shape).astype(np.float32)}])[0] if integer else model


@pytest.fixture(
    scope="module",
    params=[(128, 128, 3, 7, False), (256, 128, 1, 28, False), (128, 128, 3, 28, True)],
    ids=["winograd_f32", "strassen_f32", "winograd_u8"],
)
def program(request: pytest.FixtureRequest) -> bytes:
    """A layer whose scratch memory depends on the kernels."""
    return bytes(lower(_convolution(*request.param)))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_each_instruction_set_takes_what_was_planned_for_it(program: bytes, threads: int) -> None:
    for isa in ISAS:
        try:
            session = Session(program, threads, isa)
        except CoreError:
            continue  # not this processor's
        assert session.arena_bytes == plan(program, threads, isa).arena_bytes, isa


def test_instruction_sets_that_this_machine_lacks_have_their_own_plan(program: bytes) -> None:
    assert plan(program, 4, "neon") != plan(program, 4, "avx512vnni")
    assert plan(program, 4, "neon") == plan(program, 4, "plain")
