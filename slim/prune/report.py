"""What a pass says that it did: the value that every pass of `slim.prune` and `slim.graph` returns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class PassReport:
    """One pass's work on one model: how many places it changed, and one sentence for each."""

    name: str
    changes: int = 0
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, notes: Iterable[str]) -> PassReport:
        """A report in which every note is one change."""
        notes = tuple(notes)
        return cls(name, len(notes), notes)

    def __add__(self, other: PassReport) -> PassReport:
        """The same pass run twice, counted together."""
        return PassReport(self.name, self.changes + other.changes, self.notes + other.notes)
