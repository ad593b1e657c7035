"""An MXNet node's attributes, which are text in Python's notation, read as numbers with MXNet's defaults."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

LIMIT = 2**31
"""Bound on every integer: MXNet's own shapes are 32-bit, and a damaged digit must not become a huge loop."""

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?L?\Z")


class UntranslatableError(Exception):
    """A node that slim has no translation for; the text says why. The driver adds the place."""


class Attributes:
    """Typed access to one node's attributes; raises `UntranslatableError` on text of the wrong kind."""

    def __init__(self, text: Mapping[str, str]) -> None:
        self._text = text

    def text(self, name: str, default: str) -> str:
        """The attribute as it stands; MXNet writes enumerations so."""
        return self._text.get(name, default).strip()

    def flag(self, name: str, default: bool) -> bool:
        """A boolean: True/False or 1/0, as different versions wrote it."""
        text = self.text(name, str(default)).lower()
        if text not in ("true", "false", "1", "0"):
            raise UntranslatableError(f"its {name} '{text[:40]}' is neither True nor False")
        return text in ("true", "1")

    def number(self, name: str, default: float | None) -> float:
        """A finite float."""
        text = self.text(name, "None" if default is None else repr(default))
        value = float(text.rstrip("L")) if _NUMBER.match(text) else math.nan
        if not math.isfinite(value):
            raise UntranslatableError(f"its {name} '{text[:40]}' is not a number")
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        """An integer; one that the operator requires when there is no default."""
        text = self.text(name, "None" if default is None else str(default))
        if default is None and text == "None":
            raise UntranslatableError(f"it has no {name}")
        return _integer(name, text)

    def optional_integer(self, name: str) -> int | None:
        """An integer, or None where the attribute is missing or says None."""
        return None if self.text(name, "None") == "None" else self.integer(name)

    def integers(self, name: str, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        """A tuple of integers; a lone integer is a tuple of one."""
        values = self.optional_integers(name)
        kept = tuple(value for value in values or () if value is not None)
        if not kept and default is None:
            raise UntranslatableError(f"it has no {name}")
        if values and len(kept) != len(values):
            raise UntranslatableError(f"its {name} has open entries")
        return kept or default or ()

    def optional_integers(self, name: str) -> tuple[int | None, ...]:
        """A tuple whose entries may be None; empty where the attribute is missing, None or ()."""
        text = self.text(name, "None").strip("()[] ").rstrip(",")
        if text in ("", "None"):
            return () if self.text(name, "None").strip() in ("None", "()", "[]", "") else (None,)
        parts = [part.strip() for part in text.split(",")]
        if len(parts) > 32:
            raise UntranslatableError(f"its {name} has {len(parts)} entries")
        return tuple(None if part == "None" else _integer(name, part) for part in parts)


def _integer(name: str, text: str) -> int:
    value = float(text.rstrip("L")) if _NUMBER.match(text) else math.nan
    if not math.isfinite(value) or value != int(value) or abs(value) >= LIMIT:
        raise UntranslatableError(f"its {name} '{text[:40]}' is not a usable integer")
    return int(value)
