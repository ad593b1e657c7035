"""Inputs of `slim run`: `NAME=FILE.npy`, or an image through a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slim.errors import Problem, SlimError

if TYPE_CHECKING:
    import numpy as np

    from slim.inputs import Recipe

    Array = np.ndarray[Any, np.dtype[Any]]


def read_feeds(given: Sequence[str], names: Sequence[str], recipe: Recipe | None) -> dict[str, Array]:
    """An array for each `NAME=FILE`; `FILE` alone feeds the only input.

    Raises SlimError with every file that cannot be used and every name that is not an input."""
    feeds: dict[str, Array] = {}
    problems: list[Problem] = []
    for item in given:
        name, file = _split(item, names)
        if name not in names:
            problems.append(Problem(f"there is no input '{name}'", f"--input {item}", f"inputs are {', '.join(names)}"))
            continue
        if name in feeds:
            problems.append(Problem(f"input '{name}' is given twice", f"--input {item}", "give each input one file"))
            continue
        try:
            feeds[name] = _read(Path(file), recipe)
        except SlimError as error:
            problems += error.problems
    if problems:
        raise SlimError(problems)
    return feeds


def read_labels(path: str) -> list[str]:
    """Class names, one a line, in index order. Raises SlimError when the file is not text."""
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise SlimError(Problem("is not a text file of labels", path)) from error


def _split(item: str, names: Sequence[str]) -> tuple[str, str]:
    """Names may hold `=` and so may paths: a known name decides, else the first `=`."""
    for name in names:
        if item.startswith(f"{name}="):
            return name, item[len(name) + 1 :]
    if len(names) == 1 and ("=" not in item or Path(item).is_file()):
        return names[0], item
    name, _, file = item.partition("=")
    return name, file


def _read(path: Path, recipe: Recipe | None) -> Array:
    import numpy as np

    if path.suffix.lower() != ".npy":
        if not path.is_file():
            raise SlimError(Problem("is a folder" if path.is_dir() else "no such file", str(path), "name a .npy file"))
        if recipe is None:
            raise SlimError(Problem("is not a .npy file", str(path), "name a --recipe if it is an image"))
        return recipe.apply(path)
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except FileNotFoundError as error:
        raise SlimError(Problem("no such file", str(path))) from error
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise SlimError(Problem(f"is not a readable .npy file ({error})", str(path))) from error
