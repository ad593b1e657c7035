"""Samples: a folder of `.npy`, `.npz` or image files as a re-iterable stream of `{input name: array}`.

Nothing is kept between two samples, so memory does not grow with the folder. Headers are checked when the stream is
made; contents (truncated images, NaN) when they are read. Either way every bad file is named in one error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from slim.errors import Problem, SlimError
from slim.inputs.recipe import Recipe

ARRAYS = {".npy", ".npz"}
IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff"}

Feeds = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True)
class Samples:
    """Files in order, each giving one `{input name: array}`. Iterate as often as needed; `len` is the file count."""

    files: tuple[Path, ...]
    input_names: tuple[str, ...]
    recipe: Recipe | None = None
    shapes: Mapping[str, Sequence[int]] | None = None

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Feeds]:
        """Raises SlimError naming every file from the first bad one on, when one cannot be used."""
        for position, path in enumerate(self.files):
            try:
                feeds = self._read(path)
            except SlimError as error:
                raise SlimError([*error.problems, *self._problems_after(position)]) from error
            yield feeds

    def _problems_after(self, position: int) -> list[Problem]:
        problems: list[Problem] = []
        for path in self.files[position + 1 :]:
            try:
                self._read(path)
            except SlimError as error:
                problems.extend(error.problems)
        return problems

    def _read(self, path: Path) -> Feeds:
        suffix = path.suffix.lower()
        if suffix == ".npz":
            return {name: self._fit(name, array, path) for name, array in _load_npz(path, self.input_names).items()}
        name = self.input_names[0]
        if suffix == ".npy":
            return {name: self._fit(name, _load_npy(path), path)}
        assert self.recipe is not None  # samples() refuses images without a recipe
        return {name: self._fit(name, self.recipe.apply(path), path)}

    def _fit(self, name: str, array: npt.NDArray[np.generic], path: Path) -> npt.NDArray[np.generic]:
        """The array in the input's shape: a missing batch dimension of 1 is added, anything else is refused."""
        where = f"{path}, input '{name}'"
        if array.dtype.kind not in "fiub":
            raise SlimError(Problem(f"holds {array.dtype}, not numbers", where))
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise SlimError(Problem("holds NaN or infinity", where, "remove the file or repair the data"))
        shape = tuple(self.shapes[name]) if self.shapes and name in self.shapes else None
        if shape is None or array.shape == shape:
            return array
        if shape[0] == 1 and array.shape == shape[1:]:
            return array[None]
        raise SlimError(Problem(f"has shape {_text(array.shape)}, the input needs {_text(shape)}", where))


def samples(
    folder: str | Path,
    input_names: str | Sequence[str],
    recipe: Recipe | None = None,
    limit: int | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> Samples:
    """The stream of a folder (searched with its subfolders, in the order of file names) or of one file.

    `.npy` and images feed the first input, `.npz` holds one array for each input name. `limit` takes that many files
    spread evenly over the sorted list, so that folders sorted by class stay represented. `shapes` are the inputs'
    shapes; arrays that do not fit are refused. Raises SlimError with every file that cannot be used.
    """
    root = Path(folder)
    names = (input_names,) if isinstance(input_names, str) else tuple(input_names)
    if not root.exists():
        raise SlimError(Problem("does not exist", str(root)))
    found = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
    files = [path for path in found if path.suffix.lower() in ARRAYS | IMAGES and not path.name.startswith(".")]
    if not files:
        raise SlimError(Problem("holds no .npy, .npz or image files", str(root)))
    if limit is not None and limit < 1:
        raise SlimError(Problem(f"a limit of {limit} samples leaves nothing to calibrate on"))
    if limit is not None and limit < len(files):
        files = [files[position * len(files) // limit] for position in range(limit)]
    problems = [problem for path in files if (problem := _usable(path, names, recipe)) is not None]
    if problems:
        raise SlimError(problems)
    return Samples(tuple(files), names, recipe, shapes)


def _usable(path: Path, names: tuple[str, ...], recipe: Recipe | None) -> Problem | None:
    if path.stat().st_size == 0:
        return Problem("is empty", str(path), "remove it")
    suffix = path.suffix.lower()
    if suffix in IMAGES and recipe is None:
        return Problem("is an image, and no recipe says how to prepare it", str(path), "name a recipe")
    if suffix != ".npz" and len(names) > 1:
        return Problem(f"feeds one input, the model has {len(names)}", str(path), "use one .npz for each sample")
    return None


def _load_npy(path: Path) -> npt.NDArray[np.generic]:
    try:
        loaded = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise SlimError(Problem(f"is not a readable .npy file ({error})", str(path))) from error
    if not isinstance(loaded, np.ndarray):
        raise SlimError(Problem("is named .npy but holds an archive", str(path), "rename it to .npz"))
    return loaded


def _load_npz(path: Path, names: tuple[str, ...]) -> Feeds:
    import zipfile

    try:
        with np.load(path, allow_pickle=False) as archive:
            if missing := [name for name in names if name not in archive.files]:
                raise SlimError(
                    Problem(f"has no array named {', '.join(missing)}", str(path), f"it has {archive.files}")
                )
            return {name: archive[name] for name in names}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise SlimError(Problem(f"is not a readable .npz file ({error})", str(path))) from error


def _text(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"
