"""Preprocessing recipes: a small TOML file that says how a photograph becomes the input of one network.

`load_recipe` reads `configs/recipes/NAME.toml` (or any path); `Recipe.apply` turns an image file, a PIL image or an
(H, W, C) byte array into a (1, C, H, W) or (1, H, W, C) float32 array. Steps, always in this order: central fraction,
resize, centre crop, channel order, `(x * scale - mean) / std`, layout.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from slim.configs import config_names, find_config, read_config
from slim.errors import Problem, SlimError

if TYPE_CHECKING:
    from PIL.Image import Image

CHANNELS = {"RGB": 3, "BGR": 3, "gray": 1}
LAYOUTS = ("NCHW", "NHWC")
FILTERS = ("nearest", "bilinear", "bicubic")
KEYS = {
    "resize", "crop", "central_fraction", "channels", "scale", "mean", "std", "layout", "filter", "first_class"
}  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """One network's preprocessing. Sizes are (height, width) in pixels; `mean` and `std` follow the channel order.

    `short_side` resizes the smaller side to that many pixels, keeping the aspect; `stretch` resizes to exactly
    (height, width). `first_class` is the output index of the first labelled class (1 where index 0 is background).
    """

    name: str
    channels: str = "RGB"
    layout: str = "NCHW"
    filter: str = "bilinear"
    central_fraction: float = 1.0
    short_side: int | None = None
    stretch: tuple[int, int] | None = None
    crop: tuple[int, int] | None = None
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    first_class: int = 0

    def apply(self, image: str | Path | Image | npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """The network's input of shape (1, C, H, W), or (1, H, W, C) for layout NHWC.

        Raises SlimError when the file is not an image that Pillow can decode, or is smaller than the crop.
        """
        picture = self._open(image)
        picture = self._resize(self._central(picture))
        pixels: npt.NDArray[Any] = np.asarray(picture, dtype=np.float32)  # (H, W, C), or (H, W) when gray
        if pixels.ndim == 2:
            pixels = pixels[:, :, None]
        if self.channels == "BGR":
            pixels = pixels[:, :, ::-1]
        mean, std = (np.asarray(each, dtype=np.float32) for each in (self.mean, self.std))
        pixels = (pixels * np.float32(self.scale) - mean) / std
        if self.layout == "NCHW":
            pixels = pixels.transpose(2, 0, 1)
        return np.ascontiguousarray(pixels[None], dtype=np.float32)

    def _open(self, image: str | Path | Image | npt.NDArray[np.uint8]) -> Image:
        from PIL import Image as Pillow

        mode = "L" if self.channels == "gray" else "RGB"
        if isinstance(image, np.ndarray):
            return Pillow.fromarray(np.squeeze(image)).convert(mode)
        if not isinstance(image, (str, Path)):
            return image.convert(mode)
        try:
            with Pillow.open(image) as opened:
                return opened.convert(mode)
        except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError) as error:
            raise SlimError(Problem(f"cannot be decoded as an image ({error})", str(image), "remove it")) from error

    def _central(self, picture: Image) -> Image:
        if self.central_fraction == 1.0:
            return picture
        width, height = picture.size
        left = round(width * (1 - self.central_fraction) / 2)
        top = round(height * (1 - self.central_fraction) / 2)
        return picture.crop((left, top, width - left, height - top))

    def _resize(self, picture: Image) -> Image:
        from PIL.Image import Resampling

        width, height = picture.size
        if self.short_side is not None:
            ratio = self.short_side / min(width, height)
            size = (max(self.short_side, round(width * ratio)), max(self.short_side, round(height * ratio)))
        elif self.stretch is not None:
            size = (self.stretch[1], self.stretch[0])
        else:
            size = (width, height)
        if size != (width, height):
            picture = picture.resize(size, Resampling[self.filter.upper()])
        if self.crop is None:
            return picture
        crop_height, crop_width = self.crop
        width, height = picture.size
        if crop_height > height or crop_width > width:
            what = f"an image of {height}x{width} cannot be cropped to {crop_height}x{crop_width}"
            raise SlimError(Problem(what, f"recipe {self.name}", "resize to at least the crop"))
        left, top = (width - crop_width) // 2, (height - crop_height) // 2
        return picture.crop((left, top, left + crop_width, top + crop_height))


def recipe_names() -> list[str]:
    """Names of the recipes that come with slim, in order."""
    return config_names("recipes")


def load_recipe(name_or_path: str | Path) -> Recipe:
    """The recipe of a name that comes with slim (`mobilenet-v2`) or of a TOML file.

    Raises SlimError when there is none, when it is not TOML, or with every key that it gets wrong.
    """
    path = find_config("recipes", str(name_or_path))
    return _parse(read_config(path), path)


def _parse(table: dict[str, Any], path: Path) -> Recipe:
    problems: list[Problem] = []

    def check(good: bool, what: str) -> bool:
        if not good:
            problems.append(Problem(what, str(path)))
        return good

    def size(key: str, value: Any) -> tuple[int, int] | None:
        pair = (value.get("height"), value.get("width")) if isinstance(value, dict) else (None, None)
        good = all(isinstance(side, int) and 0 < side <= 1 << 15 for side in pair)
        check(good, f"{key} needs height and width in pixels")
        return cast("tuple[int, int]", pair) if good else None

    def number(key: str, default: float) -> float:
        value = table.get(key, default)
        good = isinstance(value, (int, float)) and math.isfinite(value)
        return float(value) if check(good, f"{key} must be a number, not {value!r}") else default

    check(not (unknown := sorted(set(table) - KEYS)), f"has unknown keys {', '.join(unknown)}")
    channels = table.get("channels", "RGB")
    check(channels in CHANNELS, f"channels must be one of {', '.join(CHANNELS)}, not {channels!r}")

    def per_channel(key: str, default: float) -> tuple[float, ...]:
        value = table.get(key, [default])
        good = isinstance(value, list) and len(value) in {1, CHANNELS.get(channels, 1)}
        good = good and all(isinstance(item, (int, float)) and math.isfinite(item) for item in value)
        return tuple(map(float, value)) if check(good, f"{key} needs one number for each channel") else (default,)

    layout, resample = table.get("layout", "NCHW"), table.get("filter", "bilinear")
    check(layout in LAYOUTS, f"layout must be one of {', '.join(LAYOUTS)}, not {layout!r}")
    check(resample in FILTERS, f"filter must be one of {', '.join(FILTERS)}, not {resample!r}")
    resize = table.get("resize", {"mode": "none"})
    mode = resize.get("mode") if isinstance(resize, dict) else None
    short_side = stretch = None
    if mode == "short-side":
        short_side = resize.get("size")
        check(isinstance(short_side, int) and 0 < short_side <= 1 << 15, "resize needs size in pixels")
    elif mode == "stretch":
        stretch = size("resize", resize)
    else:
        check(mode == "none", f"resize mode must be stretch or short-side, not {mode!r}")
    fraction = number("central_fraction", 1.0)
    check(0 < fraction <= 1, f"central_fraction must be above 0 and at most 1, not {fraction}")
    std = per_channel("std", 1.0)
    check(0.0 not in std, "std must not be 0")
    first_class = table.get("first_class", 0)
    check(isinstance(first_class, int) and first_class >= 0, "first_class must be an output index")
    crop = size("crop", table["crop"]) if "crop" in table else None
    scale, mean = number("scale", 1.0), per_channel("mean", 0.0)
    if problems:
        raise SlimError(problems)
    return Recipe(
        name=path.stem, channels=channels, layout=layout, filter=resample, central_fraction=fraction,
        short_side=short_side, stretch=stretch, crop=crop, scale=scale, mean=mean, std=std, first_class=first_class,
    )  # fmt: skip
