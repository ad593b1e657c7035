"""Progress bars: on a terminal, on stderr; nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

T = TypeVar("T", covariant=True)


class Sized(Protocol[T]):
    """What can be counted and iterated, more than once."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[T]: ...


class Progress(Generic[T]):
    """The same items, with a bar for each time that they are gone through."""

    def __init__(self, items: Sized[T], what: str) -> None:
        self.items = items
        self.what = what

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[T]:
        if not sys.stderr.isatty():
            return iter(self.items)
        from tqdm import tqdm

        return iter(tqdm(self.items, desc=self.what, total=len(self.items), leave=False, file=sys.stderr))
