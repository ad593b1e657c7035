"""The core as one text: its files in the manifest's order, each between banners, own includes replaced by the files.

Nothing of C is parsed: a line that includes a file of the core in quotes is dropped, and where that file has not been
put in yet, the file takes the line's place. Files come once, but those of `isa/` and the kernels come again for each
instruction set: `isa/end.h` forgets what they defined.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from slim.core.manifest import CORE

_OWN_INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')
_WIDTH = 80


def splice(order: Iterable[str], instead: Mapping[str, str], core: Path = CORE) -> str:
    """The files of `order` (paths relative to `core`) as one text; `instead` holds texts that replace a file's own."""
    return _Splicer(instead, core).all(order)


def spliced_files(order: Iterable[str], instead: Mapping[str, str], core: Path = CORE) -> list[str]:
    """The files that `splice` puts in, in their order, repeated ones as often as they are."""
    splicer = _Splicer(instead, core)
    splicer.all(order)
    return splicer.files


def banner(text: str) -> str:
    """A line of stars around a few words."""
    return f"/{f' {text} ':*^{_WIDTH}}/\n"


class _Splicer:
    def __init__(self, instead: Mapping[str, str], core: Path) -> None:
        self.instead = instead
        self.core = core
        self.files: list[str] = []

    def all(self, order: Iterable[str]) -> str:
        return "".join(self.file(path) for path in order)

    def file(self, path: str) -> str:
        repeated = path.startswith("isa/") or (path.startswith("kernels/") and path.endswith(".c"))
        if path in self.files and not repeated:
            return ""
        self.files.append(path)
        text = self.instead[path] if path in self.instead else (self.core / path).read_text()
        body = "".join(map(self._line, text.splitlines(keepends=True)))
        return f"{banner(f'Begin file {path}')}{body}{banner(f'End of {path}')}\n"

    def _line(self, line: str) -> str:
        own = _OWN_INCLUDE.match(line)
        return self.file(own[1]) if own else line
