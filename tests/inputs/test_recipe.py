"""Recipes: each step against a hand computation, and every mistake in a file named at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from slim.errors import SlimError
from slim.inputs import Recipe, load_recipe
from slim.inputs.recipe import recipe_names

PIXELS = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)  # (H, W, C)


def test_without_steps_the_pixels_come_out_channels_first() -> None:
    assert np.array_equal(Recipe("plain").apply(PIXELS), PIXELS.transpose(2, 0, 1)[None].astype(np.float32))


def test_layout_nhwc_keeps_channels_last() -> None:
    assert np.array_equal(Recipe("plain", layout="NHWC").apply(PIXELS)[0], PIXELS)


def test_bgr_reverses_the_channels_before_the_mean_is_taken_off() -> None:
    found = Recipe("caffe", channels="BGR", mean=(1.0, 2.0, 3.0)).apply(PIXELS)[0]
    assert np.array_equal(found[0], PIXELS[:, :, 2] - 1.0)
    assert np.array_equal(found[2], PIXELS[:, :, 0] - 3.0)


def test_scale_comes_before_mean_and_std() -> None:
    found = Recipe("torch", scale=0.5, mean=(1.0,), std=(4.0,)).apply(PIXELS)[0, 0]
    assert found == pytest.approx((PIXELS[:, :, 0] * 0.5 - 1.0) / 4.0)


def test_crop_is_taken_from_the_centre() -> None:
    found = Recipe("crop", crop=(2, 4)).apply(PIXELS)[0]
    assert np.array_equal(found, PIXELS[1:3, 1:5].transpose(2, 0, 1))


def test_short_side_keeps_the_aspect_and_stretch_does_not() -> None:
    assert Recipe("short", short_side=8).apply(PIXELS).shape == (1, 3, 8, 12)
    assert Recipe("stretch", stretch=(8, 8)).apply(PIXELS).shape == (1, 3, 8, 8)


def test_central_fraction_cuts_the_border_first() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[2:6, 2:6] = 200
    found = Recipe("central", central_fraction=0.5, stretch=(4, 4)).apply(image)
    assert (found == 200).all()


def test_gray_has_one_channel(tmp_path: Path) -> None:
    path = tmp_path / "digit.png"
    Image.fromarray(PIXELS[:, :, 0]).save(path)
    assert np.array_equal(Recipe("gray", channels="gray").apply(path)[0, 0], PIXELS[:, :, 0])


def test_a_crop_larger_than_the_image_is_refused() -> None:
    with pytest.raises(SlimError, match="4x6 cannot be cropped to 5x5"):
        Recipe("crop", crop=(5, 5)).apply(PIXELS)


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"not a photograph")
    with pytest.raises(SlimError, match=r"broken\.jpg: cannot be decoded"):
        Recipe("plain").apply(path)


SHAPES = {
    "squeezenet-v1.0": (1, 3, 227, 227), "mobilenet-v2": (1, 3, 224, 224), "mobilenet-v1": (1, 3, 128, 128),
    "resnet8-cifar10": (1, 3, 32, 32), "mnist": (1, 1, 28, 28), "digits": (1, 1, 8, 8),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_recipes_that_come_with_slim_give_their_networks_input(name: str) -> None:
    assert load_recipe(name).apply(np.full((300, 400, 3), 128, np.uint8)).shape == SHAPES[name]


def test_every_recipe_that_comes_with_slim_is_tested() -> None:
    assert set(recipe_names()) == set(SHAPES)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(SlimError, match=r"no recipe 'mobilenet'.*mobilenet-v2"):
        load_recipe("mobilenet")


def test_all_mistakes_of_a_file_are_reported_together(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(
        'channels = "CMYK"\ncolour = 1\nscale = "big"\nstd = [0.0]\ncentral_fraction = 2.0\nlayout = "CHWN"\n'
        'filter = "sinc"\nmean = [1.0, 2.0]\nfirst_class = -1\ncrop = { height = 0 }\nresize = { mode = "zoom" }\n'
    )
    with pytest.raises(SlimError) as caught:
        load_recipe(path)
    text = str(caught.value)
    for word in ("channels", "colour", "scale", "std", "central_fraction", "layout", "filter", "mean", "first_class"):
        assert word in text
    assert len(caught.value.problems) == 11


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("resize = {")
    with pytest.raises(SlimError, match="not a readable TOML"):
        load_recipe(path)
