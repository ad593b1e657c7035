"""How many bytes of code a program needs of the core, from a table that was measured once.

`scripts/measure_code_size.py` compiles single files and writes `code_sizes.json`: for each processor family the bytes
of each file of the core ("rest"), and of each kernel on each instruction set. So `slim check` needs no compiler.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from slim.amalgamate.contents import program_selection
from slim.amalgamate.splice import spliced_files
from slim.core.manifest import ISAS, Selection, kernels_of, single_file_order, without_copies
from slim.errors import Problem, SlimError

TABLE = Path(__file__).resolve().with_name("code_sizes.json")

NETWORK = "network"  # the functions of NAME.h
VECTORS = "isa"  # what an instruction set needs beside its kernels

# a family that was not measured is read as one that was
_STANDS_FOR = {"wasm": ("x86_64", "plain"), "any": ("x86_64", "plain")}


def code_size(program: bytes | bytearray | memoryview, isa: str, *, family: str | None = None) -> int:
    """Bytes of code and read-only tables (`text` of `size`, without weights) of a single file with one instruction set.

    `family` is a key of `manifest.ISAS`; where it is not given, the first that has the instruction set. WebAssembly is
    not measured: plain x86-64 stands for it. Figures are of gcc -O3 and of files that are built for speed: those of
    `slim build --optimize size` have less.

    Raises SlimError for an instruction set that the family does not have, and CoreError for bytes that are no program.
    """
    families = [family] if family else [name for name, isas in ISAS.items() if isa in isas]
    if not families or isa not in ISAS.get(families[0], ()):
        known = ", ".join(dict.fromkeys(name for isas in ISAS.values() for name in isas))
        raise SlimError(Problem(f"there is no instruction set '{isa}'", do=f"use one of {known}"))
    return selection_size(program_selection(program), families[0], (isa,))


def without(path: str, part: str) -> str:
    """The table's name of a file that leaves a part of `manifest.PARTS` out."""
    return f"{path} without {part}"


def selection_size(selection: Selection, family: str, isas: Iterable[str]) -> int:
    """Bytes of code of a single file with these operators and instruction sets."""
    if family in _STANDS_FOR:
        family, isa = _STANDS_FOR[family]
        isas = (isa,)
    measured = _table()[family]
    order = single_file_order(selection, ())
    files = spliced_files(order, {"include/slim_selection.h": ""})
    isas = without_copies(selection, isas)

    def file_bytes(where: str, path: str) -> int:
        whole = measured[where].get(path, 0)
        lesser = [measured[where].get(without(path, part), whole) for part in selection.without]
        return max(0, whole - sum(whole - less for less in lesser))

    return sum(file_bytes("rest", path) for path in [NETWORK, *files]) + sum(
        file_bytes(isa, path)
        for isa in isas
        for path in [*(f"kernels/{name}.c" for name in kernels_of(isa, selection, isas)), VECTORS]
    )


@cache
def _table() -> dict[str, dict[str, dict[str, int]]]:
    table: dict[str, dict[str, dict[str, int]]] = json.loads(TABLE.read_text(encoding="utf-8"))["families"]
    return table
