"""The descriptions that come with slim: `configs/KIND/NAME.toml` for devices, targets and recipes.

Found by name or path and parsed here; what the keys mean is the business of each kind's module.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slim.errors import Problem, SlimError

_HERE = Path(__file__).resolve().parent
ROOTS = (_HERE.parent / "configs", _HERE / "configs")
"""In a checkout, and inside an installed package."""


def config_names(kind: str) -> list[str]:
    """Names of the descriptions of a kind ("devices", "targets", "recipes"), in order."""
    return sorted({path.stem for root in ROOTS for path in (root / kind).glob("*.toml")})


def find_config(kind: str, name: str, *, also: Sequence[str] = ()) -> Path:
    """The file of a name that comes with slim, or `name` itself where it is the path of a .toml file.

    Raises SlimError where there is none, with the names that exist and the nearest; `also` are names that the caller
    knows besides.
    """
    if name.endswith(".toml"):
        if Path(name).is_file():
            return Path(name)
        raise SlimError(Problem("there is no such file", name))
    names = config_names(kind)
    if name in names:
        return next(path for root in ROOTS if (path := root / kind / f"{name}.toml").is_file())
    from difflib import get_close_matches

    known = [*also, *names]
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    guess = f"did you mean '{near[0]}'? Known" if near else "known"
    what = f"there is no {kind.removesuffix('s')} '{name}'"
    raise SlimError(Problem(what, do=f"{guess}: {', '.join(known)}; or give the path of a .toml file"))


def read_config(path: Path) -> dict[str, Any]:
    """The table in a file. Raises SlimError where it cannot be read or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SlimError(Problem(f"is not a readable TOML file ({error})", str(path))) from error
