"""slim: from a trained network to one C file that fits a small device.

`check` says whether a model fits, `compress` makes it fit, `build` writes the file. Everything public is named in
`__all__` and imported when it is first used, so that `import slim` costs nothing.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slim.api import Session, build, check, compress, estimate, load, profile, prune, quantize, simplify
    from slim.devices import Budget, Device

__all__ = [
    "Budget",
    "Device",
    "Session",
    "build",
    "check",
    "compress",
    "estimate",
    "load",
    "profile",
    "prune",
    "quantize",
    "simplify",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'slim' has no attribute '{name}'")
    from importlib import import_module

    module = import_module("slim.devices" if name in ("Budget", "Device") else "slim.api")
    return globals().setdefault(name, getattr(module, name))


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


class _Package(ModuleType):
    """Some rooms have the name of their function: importing `slim.load` must not replace `slim.load()`."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
