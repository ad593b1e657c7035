"""Sessions: names, shapes, resizing, threads, and what is said of inputs that do not fit."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
from onnx import helper

from slim.core.compile import processor_family
from slim.errors import CoreError
from slim.lower import lower
from slim.runtime import Session, plan
from tests.nets import net, onnxruntime_run

rng = np.random.default_rng(5)
WEIGHTS = {
    "w": rng.normal(size=(20, 3, 3, 3)).astype(np.float32),
    "v": rng.normal(size=(33, 20, 3, 3)).astype(np.float32),
}


def image(*shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


def two_layers(batch: int = 1, height: int = 12, width: int = 10) -> object:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1], name="one"),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("Conv", ["r", "v"], ["y"], pads=[1, 1, 1, 1], name="two"),
    ]
    return net(nodes, {"x": (batch, 3, height, width)}, ["y"], WEIGHTS)


@pytest.fixture(scope="module")
def program() -> bytes:
    return bytes(lower(ir.from_proto(two_layers())))


def test_inputs_and_outputs_are_described(program: bytes) -> None:
    session = Session(program)
    assert [(i.name, i.shape, i.dtype) for i in session.inputs] == [("x", (1, 3, 12, 10), np.dtype(np.float32))]
    assert [(o.name, o.shape) for o in session.outputs] == [("y", (1, 33, 12, 10))]


@pytest.mark.parametrize("shape", [(3, 3, 12, 10), (1, 3, 1, 1), (2, 3, 31, 5)])
def test_another_input_shape_resizes_the_session(program: bytes, shape: tuple[int, ...]) -> None:
    session = Session(program)
    for size in (shape, (1, 3, 12, 10)):
        x = image(*size)
        expected = onnxruntime_run(two_layers(size[0], *size[2:]), {"x": x})["y"]
        np.testing.assert_allclose(session.run({"x": x})["y"], expected, rtol=0, atol=1e-5 * np.ptp(expected))


def test_a_shape_that_does_not_fit_is_refused_and_the_old_one_stays(program: bytes) -> None:
    session = Session(program)
    x = image(1, 3, 12, 10)
    before = session.run({"x": x})["y"]
    with pytest.raises(CoreError, match=r"input .x.: has shape \[1, 4, 12, 10\] \(one \(conv_narrow_f32\)"):
        session.run({"x": image(1, 4, 12, 10)})
    np.testing.assert_array_equal(session.run({"x": x})["y"], before)


def test_every_problem_with_the_inputs_is_said_at_once(program: bytes) -> None:
    with pytest.raises(CoreError) as caught:
        Session(program).run({"z": image(1), "data": image(2)})
    assert [p.where for p in caught.value.problems] == ["input 'x'", "input 'z'", "input 'data'"]


@pytest.mark.parametrize(
    "bad", [np.zeros((3, 12, 10), np.float32), np.zeros((0, 3, 12, 10), np.float32), np.full((1, 3, 12, 10), "a")]
)
def test_wrong_rank_empty_and_text_are_refused(program: bytes, bad: np.ndarray) -> None:
    with pytest.raises(CoreError, match="input 'x'"):
        Session(program).run({"x": bad})


def test_results_do_not_depend_on_the_thread_count(program: bytes) -> None:
    x = image(2, 3, 40, 40)
    one = Session(program).run({"x": x})["y"]
    for threads in (2, 3, 8):
        np.testing.assert_array_equal(Session(program, threads=threads).run({"x": x})["y"], one)


@pytest.mark.parametrize(
    ("channels", "outputs", "size", "groups"),
    [(40, 512, 7, 1), (24, 100, 14, 1), (32, 96, 9, 2), (32, 184, 7, 1), (64, 52, 7, 1), (64, 20, 7, 1)],
)
def test_layers_of_few_pixels_are_shared_out_by_channels(channels: int, outputs: int, size: int, groups: int) -> None:
    weights = {"w": rng.normal(size=(outputs, channels // groups, 1, 1)).astype(np.float32)}
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], group=groups)]
    model = net(nodes, {"x": (1, channels, size, size)}, ["y"], weights)
    program, x = lower(ir.from_proto(model)), {"x": image(1, channels, size, size)}
    expected = onnxruntime_run(model, x)["y"]
    one = Session(program).run(x)["y"]
    np.testing.assert_allclose(one, expected, rtol=0, atol=1e-5 * np.ptp(expected))
    for threads in (2, 3, 8):
        np.testing.assert_array_equal(Session(program, threads=threads).run(x)["y"], one)


def test_many_sessions_of_one_program_run_at_once(program: bytes) -> None:
    x = image(1, 3, 12, 10)
    expected = Session(program).run({"x": x})["y"]
    wrong = []

    def work() -> None:
        session = Session(program, threads=2)
        for _ in range(30):
            if not np.array_equal(session.run({"x": x})["y"], expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_bound_arrays_are_the_sessions_own_memory(program: bytes) -> None:
    session = Session(program)
    x, y = session.input_view("x"), session.output_view("y")
    for _ in range(3):
        given = image(1, 3, 12, 10)
        x[...] = given
        session.run_bound()
        np.testing.assert_array_equal(y, Session(program).run({"x": given})["y"])
    with pytest.raises(ValueError, match="read-only"):
        y[...] = 0
    with pytest.raises(CoreError, match="'z'"):
        session.input_view("z")


def test_memory_that_an_array_shows_is_not_freed(program: bytes) -> None:
    session = Session(program)
    x, y = session.input_view("x"), session.output_view("y")
    with pytest.raises(CoreError, match="in use"):
        session.run({"x": image(1, 3, 20, 10)})
    del x
    with pytest.raises(CoreError, match="in use"):
        session.close()
    session.run_bound()
    before = y.copy()
    del session  # the array keeps the memory
    np.testing.assert_array_equal(y, before)


def test_a_session_closes_when_its_arrays_are_gone(program: bytes) -> None:
    session = Session(program)
    x = session.input_view("x")
    del x
    assert session.run({"x": image(1, 3, 20, 10)})["y"].shape == (1, 33, 20, 10)
    session.close()


def test_a_program_file_is_mapped(program: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.slim"
    path.write_bytes(program)
    x = image(1, 3, 12, 10)
    np.testing.assert_array_equal(Session(path).run({"x": x})["y"], Session(program).run({"x": x})["y"])


@pytest.mark.skipif(not Path("/sys/kernel/mm/transparent_hugepage").exists(), reason="a system without pages of 2 MB")
def test_a_program_file_is_wanted_in_pages_of_2_mb(program: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.slim"
    path.write_bytes(program)
    session = Session(path)
    mapping = Path("/proc/self/smaps").read_text().split(str(path))[1]
    flags = next(line for line in mapping.splitlines() if line.startswith("VmFlags:"))
    assert "hg" in flags.split()
    session.close()


@pytest.mark.parametrize("content", [b"", b"SLIM", b"\0" * 200])
def test_a_file_that_is_no_program_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.slim"
    path.write_bytes(content)
    with pytest.raises(CoreError, match=r"bad\.slim"):
        Session(path)


def test_profile_names_every_step(program: bytes) -> None:
    steps = Session(program).profile({"x": image(1, 3, 12, 10)}, runs=3)
    assert [s.name for s in steps if "conv" in s.operator or "winograd" in s.operator] == ["one", "two"]
    assert all(s.seconds > 0 for s in steps)


def test_the_plan_reaches_the_lower_bound_on_a_chain(program: bytes) -> None:
    memory = plan(program)
    assert memory.lower_bound_bytes <= memory.arena_bytes <= memory.lower_bound_bytes * 1.05 + 256


def test_unknown_options_are_refused(program: bytes) -> None:
    with pytest.raises(CoreError, match="instruction set"):
        Session(program, isa="sse9")
    with pytest.raises(CoreError, match="threads"):
        Session(program, threads=0)
    other = "avx2" if processor_family() == "aarch64" else "neon"
    with pytest.raises(CoreError, match=r"does not have that instruction set; use another one, or auto"):
        Session(program, isa=other)


def test_outputs_survive_the_steps_after_them() -> None:
    nodes = [helper.make_node("Neg", ["x"], ["y"]), helper.make_node("Exp", ["y"], ["z"])]
    model = net(nodes, {"x": (4, 5)}, ["y", "z"])
    x = {"x": image(4, 5)}
    got = Session(lower(ir.from_proto(model))).run(x)
    for name, expected in onnxruntime_run(model, x).items():
        np.testing.assert_allclose(got[name], expected, rtol=1e-5)


def test_a_scalar_goes_in_and_out() -> None:
    model = net([helper.make_node("Exp", ["x"], ["y"])], {"x": ()}, ["y"])
    got = Session(lower(ir.from_proto(model))).run({"x": np.float32(1.0)})["y"]
    assert got.shape == ()
    assert got == pytest.approx(np.e, rel=1e-6)


def test_a_closed_session_runs_no_more(program: bytes) -> None:
    session = Session(program)
    session.close()
    session.close()
    with pytest.raises(CoreError, match="argument"):
        session.run_bound()
