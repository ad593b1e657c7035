"""Samples: a folder of `.npy`, `.npz` or image files as a re-iterable stream of `{input name: array}`.

Nothing is kept between two samples, so memory does not grow with the folder. Names and sizes are checked when the
stream is made; contents (truncated images, NaN) when they are read. Either way one error lists every bad file, or,
where many are bad for the same reason, the first of them and how many there are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from slim.errors import Problem, SlimError
from slim.inputs.recipe import Recipe, recipe_names

ARRAYS = {".npy", ".npz"}
IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff"}

SHOWN = 5
"""Files that are named of those that are bad for the same reason."""

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
                raise SlimError(_condensed([*error.problems, *self.problems(position + 1)])) from error
            yield feeds

    def problems(self, start: int = 0) -> list[Problem]:
        """What is wrong with the contents of the files from `start` on: all of them are read."""
        problems: list[Problem] = []
        for path in self.files[start:]:
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
    if root.is_dir() and not os.access(root, os.R_OK | os.X_OK):  # rglob would find nothing and say nothing
        raise SlimError(Problem("cannot be read (permission denied)", str(root)))
    found = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
    files = [path for path in found if path.suffix.lower() in ARRAYS | IMAGES and not path.name.startswith(".")]
    if not files:
        raise SlimError(Problem("holds no .npy, .npz or image files", str(root)))
    if limit is not None and limit < 1:
        raise SlimError(Problem(f"a limit of {limit} samples leaves nothing to calibrate on"))
    if limit is not None and limit < len(files):
        files = [files[position * len(files) // limit] for position in range(limit)]
    unusable = {path: problem for path in files if (problem := _unusable(path, names)) is not None}
    images = [path for path in files if path.suffix.lower() in IMAGES and path not in unusable and recipe is None]
    usable = tuple(path for path in files if path not in unusable and path not in images)
    stream = Samples(usable, names, recipe, shapes)
    if unusable or images:
        raise SlimError(_condensed([*unusable.values(), *_without_recipe(root, images), *stream.problems()]))
    return stream


def _without_recipe(root: Path, images: Sequence[Path]) -> list[Problem]:
    if not images:
        return []
    what = f"holds {len(images)} image{'s' if len(images) > 1 else ''} ({images[0].name}{', ...' * (len(images) > 1)})"
    do = f"name one: {', '.join(recipe_names())}, or the path of a .toml file"
    return [Problem(f"{what}, and no recipe says how an image becomes an input", str(root), do)]


def _condensed(problems: Sequence[Problem]) -> list[Problem]:
    """All problems; of those that many files share, the first few and how many more there are."""
    alike: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        alike.setdefault((problem.what, problem.do), []).append(problem)
    shown: list[Problem] = []
    for (what, do), group in alike.items():
        shown += group[:SHOWN]
        more = len(group) - SHOWN
        if more > 0:
            shown.append(Problem(what, f"{more} more file{'s' if more > 1 else ''}", do))
    return shown


def _unusable(path: Path, names: tuple[str, ...]) -> Problem | None:
    if path.stat().st_size == 0:
        return Problem("is empty", str(path), "remove it")
    if path.suffix.lower() != ".npz" and len(names) > 1:
        return Problem(f"feeds one input, the model has {len(names)}", str(path), "use one .npz for each sample")
    return None


def _load_npy(path: Path) -> npt.NDArray[np.generic]:
    try:
        loaded = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError) as error:
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
    except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile, AttributeError) as error:
        raise SlimError(Problem(f"is not a readable .npz file ({error})", str(path))) from error


def _text(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"
