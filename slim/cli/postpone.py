"""Packages that a library imports whether or not it needs them, loaded when something of them is asked for.

`onnx_ir` imports sympy for arithmetic on symbolic dimensions. slim binds every dimension to a number, so no command
asks for it, and loading it takes half as long as all that `slim check` does.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

SELDOM_NEEDED = frozenset({"sympy", "onnx_ir._symbolic_shapes"})


def postpone_seldom_needed() -> None:
    """From here on an import of `SELDOM_NEEDED` runs the package's code at the first use of an attribute."""
    if not any(isinstance(finder, _Postponing) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Postponing())


class _Postponing(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in SELDOM_NEEDED:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec
