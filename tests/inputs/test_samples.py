"""Samples: what a folder yields, again and again, and how every unusable file is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from slim.errors import SlimError
from slim.inputs import Recipe, samples

SHAPES = {"x": (1, 2, 3)}


def save(folder: Path, *values: float) -> None:
    for number, value in enumerate(values):
        np.save(folder / f"{number:02}.npy", np.full((1, 2, 3), value, np.float32))


def test_npy_files_come_in_the_order_of_their_names_as_often_as_wanted(tmp_path: Path) -> None:
    save(tmp_path, 1, 2, 3)
    stream = samples(tmp_path, "x", shapes=SHAPES)
    assert len(stream) == 3
    for _ in range(2):
        assert [feeds["x"][0, 0, 0] for feeds in stream] == [1, 2, 3]


def test_a_missing_batch_dimension_is_added_and_doubles_become_floats(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((2, 3)))
    (feeds,) = samples(tmp_path, "x", shapes=SHAPES)
    assert feeds["x"].shape == (1, 2, 3)
    assert feeds["x"].dtype == np.float32


def test_npz_feeds_every_input(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.ones((1, 2, 3), np.float32), state=np.zeros(4, np.float32))
    (feeds,) = samples(tmp_path, ["x", "state"])
    assert set(feeds) == {"x", "state"}


def test_images_pass_through_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    Image.new("RGB", (8, 6), (10, 20, 30)).save(tmp_path / "cats" / "tom.png")
    (feeds,) = samples(tmp_path, "x", Recipe("plain"))
    assert feeds["x"].shape == (1, 3, 6, 8)
    assert list(feeds["x"][0, :, 0, 0]) == [10, 20, 30]


def test_a_limit_takes_files_from_all_over_the_folder(tmp_path: Path) -> None:
    save(tmp_path, *range(10))
    assert [feeds["x"][0, 0, 0] for feeds in samples(tmp_path, "x", limit=5)] == [0, 2, 4, 6, 8]


def test_one_file_is_a_stream_of_one(tmp_path: Path) -> None:
    save(tmp_path, 1)
    assert len(samples(tmp_path / "00.npy", "x")) == 1


def test_every_file_that_cannot_be_used_is_named_when_the_stream_is_made(tmp_path: Path) -> None:
    (tmp_path / "empty.npy").touch()
    Image.new("RGB", (8, 6)).save(tmp_path / "photo.png")
    (tmp_path / "short.npy").write_bytes(b"\x93NUMPY, but cut short")
    (tmp_path / "photo 2.png").write_bytes(b"not looked into: there is no recipe anyway")
    with pytest.raises(SlimError) as caught:
        samples(tmp_path, "x")
    empty, photos, short = map(str, caught.value.problems)
    assert "empty.npy: is empty" in empty
    assert f"{tmp_path}: holds 2 images (photo 2.png, ...), and no recipe" in photos
    assert "name one: digits, mnist" in photos
    assert "short.npy" in short


def test_of_many_files_with_the_same_problem_five_are_named(tmp_path: Path) -> None:
    save(tmp_path, *[np.nan] * 6, 1, *[np.nan] * 2)
    np.save(tmp_path / "90.npy", np.ones((1, 3, 2), np.float32))
    with pytest.raises(SlimError) as caught:
        list(samples(tmp_path, "x", shapes=SHAPES))
    lines = str(caught.value).splitlines()
    assert [line.split("/")[-1][:6] for line in lines[:5]] == [f"0{number}.npy" for number in range(5)]
    assert lines[5].startswith("3 more files: holds NaN")
    assert "has shape 1x3x2" in lines[6]
    assert len(lines) == 7


def test_every_bad_content_is_named_when_it_is_read(tmp_path: Path) -> None:
    save(tmp_path, 1, np.nan, 3, np.inf)
    np.save(tmp_path / "90.npy", np.ones((1, 3, 2), np.float32))
    (tmp_path / "91.npy").write_bytes(b"\x93NUMPY, but cut short")
    np.savez(tmp_path / "92.npz", y=np.ones(3))
    np.save(tmp_path / "93.npy", np.array(["text"]))
    (tmp_path / "94.npz").write_bytes(b"PK, but no archive")
    with pytest.raises(SlimError) as caught:
        list(samples(tmp_path, "x", shapes=SHAPES))
    text = [str(problem) for problem in caught.value.problems]
    words = [
        "01.npy",
        "03.npy",
        "has shape 1x3x2, the input needs 1x2x3",
        "91.npy",
        "no array named x",
        "not numbers",
        "94",
    ]
    assert len(text) == len(words)
    assert all(word in line for word, line in zip(words, text, strict=True))


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"not": "numbers"}], dtype=object), allow_pickle=True)
    with pytest.raises(SlimError, match="not a readable"):
        list(samples(tmp_path, "x"))


def test_a_folder_without_data_and_a_folder_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SlimError, match=r"holds no \.npy"):
        samples(tmp_path, "x")
    with pytest.raises(SlimError, match="does not exist"):
        samples(tmp_path / "nowhere", "x")


def test_npy_for_a_model_with_two_inputs_and_an_empty_limit_are_refused(tmp_path: Path) -> None:
    save(tmp_path, 1)
    with pytest.raises(SlimError, match="feeds one input, the model has 2"):
        samples(tmp_path, ["x", "state"])
    with pytest.raises(SlimError, match="a limit of 0"):
        samples(tmp_path, "x", limit=0)
