"""Inputs that are read where they are: right results wherever that is, nothing past their end, the arena's own kept."""

from __future__ import annotations

import ctypes
import mmap

import numpy as np
import onnx_ir as ir
import pytest
from onnx import helper

from slim.graph import simplify
from slim.lower import lower
from slim.quantize import quantize
from slim.runtime import Session
from tests.nets import net

rng = np.random.default_rng(6)
SHAPE = (1, 3, 24, 130)
FIRST = {"fp32": "conv_image_f32", "stem": "stem_f32", "int8": "conv_image_u8", "bytes": "quantize"}


def image(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


def program_of(precision: str) -> bytes:
    weights = {"w": rng.normal(size=(32, 3, 3, 3)).astype(np.float32)}
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], strides=[2, 2], pads=[1, 1, 1, 1])]
    if precision == "stem":
        shapes = {"w": (176, 3, 3, 3), "d": (176, 1, 3, 3), "p": (8, 176, 1, 1)}
        weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
        nodes[0].output[0] = "a"
        nodes.append(helper.make_node("Conv", ["a", "d"], ["b"], group=176, pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Conv", ["b", "p"], ["y"]))
    if precision == "bytes":  # which a dilated window reads from memory
        nodes[0].attribute.append(helper.make_attribute("dilations", [2, 2]))
    model, _ = simplify(ir.from_proto(net(nodes, {"x": SHAPE}, ["y"], weights)))
    if precision in ("int8", "bytes"):
        model, _ = quantize(model, [{"x": image()} for _ in range(2)])
    return lower(model)


@pytest.fixture(scope="module", params=sorted(FIRST))
def program(request: pytest.FixtureRequest) -> bytes:
    made = program_of(request.param)
    assert Session(made).profile({"x": image()}, runs=1)[0].operator == FIRST[request.param]
    return made


def copied(session: Session, x: np.ndarray) -> np.ndarray:
    """What the session makes of a copy in its own memory."""
    session.input_view("x")[...] = x
    session.run_bound()
    return session.output_view("y").copy()


@pytest.mark.parametrize("isa", ["plain", "auto"])
@pytest.mark.parametrize("offset", [0, 4, 20, 1, 2])  # bytes; at the last two its floats are not aligned
def test_wherever_an_input_lies_results_are_the_same(program: bytes, isa: str, offset: int) -> None:
    x = image()
    room = np.zeros(x.nbytes + 64, np.uint8)
    lying = room[offset : offset + x.nbytes].view(np.float32).reshape(x.shape)
    lying[...] = x
    lying.flags.writeable = False
    session = Session(program, isa=isa)
    np.testing.assert_array_equal(session.run({"x": lying})["y"], copied(session, x))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("isa", ["plain", "auto"])
def test_nothing_is_read_past_an_input(program: bytes, isa: str, threads: int) -> None:
    x = image()
    pages = -(-x.nbytes // mmap.PAGESIZE)
    room = mmap.mmap(-1, (pages + 1) * mmap.PAGESIZE)
    array = np.frombuffer(room, np.uint8)
    guard = ctypes.c_void_p(array.ctypes.data + pages * mmap.PAGESIZE)
    assert ctypes.CDLL(None).mprotect(guard, ctypes.c_size_t(mmap.PAGESIZE), 0) == 0
    end = pages * mmap.PAGESIZE
    last = array[end - x.nbytes : end].view(np.float32).reshape(x.shape)
    last[...] = x
    session = Session(program, threads=threads, isa=isa)
    np.testing.assert_array_equal(session.run({"x": last})["y"], copied(session, x))


def test_what_had_to_be_converted_is_there_while_it_is_read(program: bytes) -> None:
    x, session = image(), Session(program)
    expected = session.run({"x": x})["y"]
    wide = np.zeros((*SHAPE[:-1], 2 * SHAPE[-1]), np.float32)
    wide[..., ::2] = x
    for other in (np.asfortranarray(x), x.astype(np.float64), x.astype(">f4"), wide[..., ::2]):
        np.testing.assert_array_equal(session.run({"x": other})["y"], expected)


def test_the_sessions_own_memory_is_an_input_again_after_a_run(program: bytes) -> None:
    session, one, other = Session(program), image(), image()
    expected = session.run({"x": one})["y"]
    assert not np.array_equal(session.run({"x": other})["y"], expected)
    np.testing.assert_array_equal(copied(session, one), expected)


def test_an_input_that_a_view_shows_too_is_copied() -> None:
    weights = {"w": rng.normal(size=(32, 3, 3, 3)).astype(np.float32), "shape": np.array([-1])}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["y"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Reshape", ["x", "shape"], ["flat"]),
        helper.make_node("Add", ["z", "z"], ["twice"]),
    ]
    model = net(nodes, {"x": SHAPE, "z": (2, 3)}, ["y", "flat", "twice"], weights)
    session = Session(lower(simplify(ir.from_proto(model))[0]))
    x, z = image(), image((2, 3))
    results = session.run({"x": x, "z": z})
    np.testing.assert_array_equal(results["flat"], x.ravel())
    np.testing.assert_array_equal(results["twice"], z + z)
    alone = Session(program_of("fp32"))
    assert results["y"].shape == alone.run({"x": x})["y"].shape
