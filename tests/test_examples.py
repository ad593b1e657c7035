"""The digits network in `examples/digits`: its three forms are one network, and the demo takes it to a program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import slim
from slim.core.compile import find_compiler
from slim.errors import SlimError

DIGITS = Path(__file__).resolve().parents[1] / "examples" / "digits"


@pytest.fixture(scope="module")
def held_out() -> tuple[np.ndarray, np.ndarray]:
    """Images (360, 1, 8, 8) in 0..16 and their labels."""
    test = np.load(DIGITS / "digits-test.npz")
    return test["images"], test["labels"]


@pytest.fixture(scope="module")
def reference(held_out: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """onnxruntime's probabilities (360, 10)."""
    session = onnxruntime.InferenceSession(DIGITS / "digits.onnx")
    return np.concatenate([session.run(None, {"data": image[None]})[0] for image in held_out[0]])


def probabilities(session: slim.Session, images: np.ndarray) -> np.ndarray:
    return np.concatenate([next(iter(session.run({"data": image[None]}).values())) for image in images])


def test_the_files_together_stay_small() -> None:
    committed = [
        DIGITS / name for name in ("digits.onnx", "digits-symbol.json", "digits-0000.params", "digits-test.npz")
    ]
    assert sum(path.stat().st_size for path in committed) < 256 * 1024


def test_no_calibration_image_is_held_out(held_out: tuple[np.ndarray, np.ndarray]) -> None:
    known = {image.tobytes() for image in held_out[0]}
    files = sorted((DIGITS / "calibration").glob("*.npy"))
    assert len(files) == 128
    assert not any(np.load(path)[0].tobytes() in known for path in files)


def test_the_network_reads_98_of_100_held_out_digits(
    reference: np.ndarray, held_out: tuple[np.ndarray, np.ndarray]
) -> None:
    assert (reference.argmax(1) == held_out[1]).mean() >= 0.98


@pytest.mark.parametrize("file", ["digits.onnx", "digits-symbol.json"])
def test_the_core_computes_what_onnxruntime_does(
    file: str, reference: np.ndarray, held_out: tuple[np.ndarray, np.ndarray]
) -> None:
    ours = probabilities(slim.Session(DIGITS / file), held_out[0])
    np.testing.assert_allclose(ours, reference, rtol=1e-3, atol=1e-5)


def test_the_demo_goes_from_onnx_to_a_program_that_answers_like_onnxruntime(
    tmp_path: Path, reference: np.ndarray, held_out: tuple[np.ndarray, np.ndarray]
) -> None:
    try:
        find_compiler()
    except SlimError as error:
        pytest.skip(str(error))
    done = subprocess.run(
        [sys.executable, DIGITS / "demo.py", "--out", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    images, labels = held_out
    said = subprocess.run(
        [tmp_path / "classify"], input=images.tobytes(), capture_output=True, check=True
    ).stdout.split()
    answers = np.array(said, dtype=np.int64)
    assert f"{(reference.argmax(1) == labels).mean():.2%}" in done.stdout
    assert f"{(answers == labels).mean():.2%}" in done.stdout
    # 8 bits cost at most one digit in a hundred
    assert (answers == labels).mean() >= (reference.argmax(1) == labels).mean() - 0.01


def test_the_symbol_file_names_the_version_of_mxnet_that_reads_it() -> None:
    symbol = json.loads((DIGITS / "digits-symbol.json").read_text(encoding="utf-8"))
    assert symbol["attrs"]["mxnet_version"] == ["int", 10901]
    assert symbol["nodes"][symbol["heads"][0][0]]["op"] == "SoftmaxOutput"
