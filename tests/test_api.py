"""The public functions: what they accept, and how they compose the rooms; each room has tests of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest

import slim
from slim.devices import load_device
from slim.errors import SlimError

DIGITS = Path(__file__).resolve().parents[1] / "examples" / "digits"
MODEL = DIGITS / "digits.onnx"
CALIBRATION = DIGITS / "calibration"


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.load(DIGITS / "digits-test.npz")["images"][:1]


@pytest.fixture(scope="module")
def small() -> ir.Model:
    return slim.quantize(MODEL, CALIBRATION)[0]


def by_onnxruntime(model: ir.Model, image: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(ir.to_proto(model).SerializeToString())
    return session.run(None, {"data": image})[0]


@pytest.mark.parametrize(
    "call",
    [
        slim.simplify,
        slim.prune,
        lambda model: slim.quantize(model, CALIBRATION),
        lambda model: slim.compress(model, "rpi3", CALIBRATION),
        lambda model: slim.estimate(model, "rpi3"),
        lambda model: slim.check(model, "rpi3"),
        slim.Session,
    ],
    ids=["simplify", "prune", "quantize", "compress", "estimate", "check", "Session"],
)
def test_a_model_that_is_passed_in_is_not_changed(call) -> None:
    model = slim.load(MODEL)
    before = ir.to_proto(model).SerializeToString(deterministic=True)
    call(model)
    assert ir.to_proto(model).SerializeToString(deterministic=True) == before


def test_a_path_is_as_good_as_a_model(image: np.ndarray) -> None:
    from_path, _ = slim.simplify(str(MODEL))
    from_model, _ = slim.simplify(slim.load(MODEL))
    np.testing.assert_array_equal(by_onnxruntime(from_path, image), by_onnxruntime(from_model, image))
    assert len(from_path.graph) < len(slim.load(MODEL).graph)


def test_samples_are_a_folder_or_an_iterable(small: ir.Model, image: np.ndarray) -> None:
    arrays = [{"data": np.load(path)} for path in sorted(CALIBRATION.glob("*.npy"))]
    from_arrays, _ = slim.quantize(MODEL, arrays)
    np.testing.assert_array_equal(by_onnxruntime(from_arrays, image), by_onnxruntime(small, image))


def test_a_quantized_model_has_no_float_weights_left(small: ir.Model) -> None:
    # scales are the only floats: as many as there are channels
    floats = [value for value in small.graph.initializers.values() if value.dtype == ir.DataType.FLOAT]
    assert max(value.shape.numpy()[0] if value.shape else 1 for value in floats) <= 64
    assert all(len(value.shape) <= 1 for value in floats)


def test_a_device_is_a_name_a_profile_or_a_file(tmp_path: Path) -> None:
    by_name = slim.estimate(MODEL, "rpi3", threads=1)
    assert slim.estimate(MODEL, load_device("rpi3"), threads=1).latency_s == by_name.latency_s
    own = tmp_path / "mine.toml"
    profile = DIGITS.parents[1] / "configs" / "devices" / "rpi3.toml"
    own.write_text(profile.read_text(encoding="utf-8"), encoding="utf-8")
    assert slim.estimate(MODEL, own, threads=1).latency_s == by_name.latency_s


def test_check_takes_an_estimate_and_a_tighter_budget() -> None:
    estimate = slim.estimate(MODEL, "rpi3")
    assert slim.check(estimate, "rpi3").fits
    tight = slim.check(estimate, "rpi3", slim.Budget(max_flash_bytes=1000))
    assert [check.name for check in tight.checks if not check.ok] == ["flash"]
    assert slim.check(MODEL, "rpi3") == slim.check(estimate, "rpi3")


def test_compress_says_whether_the_budget_was_reached(small: ir.Model, image: np.ndarray) -> None:
    reached = slim.compress(MODEL, "rpi3", CALIBRATION)
    assert reached.estimate == slim.estimate(reached.model, "rpi3")  # which simplifies it again
    assert reached.verdict.fits
    assert reached.estimate.integer_macs > 0.99 * reached.estimate.macs
    np.testing.assert_array_equal(by_onnxruntime(reached.model, image), by_onnxruntime(small, image))
    assert not slim.compress(MODEL, "rpi3", CALIBRATION, budget=slim.Budget(max_ram_bytes=1000)).verdict.fits


def test_a_session_opens_a_model_a_path_a_program_and_its_bytes(tmp_path: Path, image: np.ndarray) -> None:
    program = slim.build(MODEL, tmp_path, target="generic").paths["program"]
    expected = by_onnxruntime(slim.load(MODEL), image)
    for source in (slim.load(MODEL), MODEL, str(MODEL), program, program.read_bytes()):
        outputs = slim.Session(source, threads=2).run({"data": image})
        np.testing.assert_allclose(outputs["probabilities"], expected, rtol=1e-3, atol=1e-5)


def test_a_build_is_named_after_the_file_or_the_graph(tmp_path: Path) -> None:
    assert slim.build(DIGITS / "digits-symbol.json", tmp_path / "a", target="generic").name == "digits"
    model = slim.load(MODEL)
    model.graph.name = "numbers"
    assert slim.build(model, tmp_path / "b", target="generic").name == "numbers"
    program = tmp_path / "b" / "numbers.slim"
    assert slim.build(program, tmp_path / "c", target="generic", name="again").paths["program"].name == "again.slim"


def test_a_build_for_size_has_smaller_code_of_a_program_too(tmp_path: Path) -> None:
    program = slim.build(MODEL, tmp_path / "a", target="generic").paths["program"]
    for index, model in enumerate((MODEL, program)):
        small = slim.build(model, tmp_path / f"b{index}", target="generic", name="net", optimize="size")
        assert "#define SLIM_SMALL 1\n" in small.paths["source"].read_text()
    assert small.paths["program"].read_bytes() == program.read_bytes()  # it has chosen already how it computes
    again = slim.build(program, tmp_path / "c", target="generic", name="net")
    assert "#define SLIM_SMALL 1\n" not in again.paths["source"].read_text()


def test_a_missing_file_is_an_error_with_a_place(tmp_path: Path) -> None:
    for call in (slim.simplify, slim.Session, lambda path: slim.build(path, tmp_path / "out")):
        with pytest.raises(SlimError, match=r"nowhere\.onnx"):
            call(tmp_path / "nowhere.onnx")
    with pytest.raises(SlimError, match="there is no device 'rpi33'"):
        slim.check(MODEL, "rpi33")
