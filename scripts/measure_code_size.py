"""Measures the code of each file of the core, and writes the table that `slim.amalgamate.code_size` reads.

For each instruction set, a single file with every operator is compiled by gcc -O3; `nm` says how long each symbol is,
the text between the file's banners which file of the core defines it.

    python scripts/measure_code_size.py        # after any change of the core; commit slim/amalgamate/code_sizes.json
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from slim.amalgamate.contents import Contents
from slim.amalgamate.network import Network
from slim.amalgamate.sizes import NETWORK, TABLE, VECTORS, without
from slim.amalgamate.source import Origin, source_text
from slim.core.manifest import CORE, ISAS, PARTS, select
from slim.core.operators import OPERATORS
from slim.runtime import TensorInfo

COMPILERS = {
    "x86_64": ["x86_64-linux-gnu-gcc"],
    "aarch64": ["aarch64-linux-gnu-gcc"],
    "armv7": ["arm-linux-gnueabihf-gcc", "-march=armv7-a", "-mfpu=neon-vfpv4", "-mfloat-abi=hard"],
}
_BEGIN = re.compile(r"/\*+ Begin (?:file )?(.*?) \*+/")
_END = re.compile(r"/\*+ End of (.*?) \*+/")
_SYMBOL = re.compile(r"[0-9a-f]+ ([0-9a-f]+) [tTrR] (\S+)$")


def measure(family: str, isa: str, left_out: Iterable[str] = ()) -> dict[str, int]:
    """Bytes of each file of the core on one instruction set; `isa` and `kernels/` files are that set's own."""
    array = TensorInfo("x", (1,), np.dtype(np.float32))
    network = Network("all", Contents(select(OPERATORS, left_out), (array,), (array,), 0), embedded=False)
    text = source_text(network, (isa,), family, b"", Origin("", ""))
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "all.c"
        source.write_text(text, encoding="utf-8")
        command = COMPILERS[family]
        subprocess.run([*command, "-O3", "-std=gnu11", "-c", "all.c"], cwd=folder, check=True)
        tool = command[0].removesuffix("gcc")
        symbols = subprocess.run([f"{tool}nm", "-S", "all.o"], cwd=folder, check=True, capture_output=True, text=True)
        size = subprocess.run([f"{tool}size", "all.o"], cwd=folder, check=True, capture_output=True, text=True)
    total = int(size.stdout.splitlines()[1].split()[0])
    found = [(match[2], int(match[1], 16)) for line in symbols.stdout.splitlines() if (match := _SYMBOL.match(line))]
    return _by_file(found, text, total)


def _by_file(symbols: list[tuple[str, int]], text: str, total: int) -> dict[str, int]:
    """`total` bytes by file: symbols go to the file that defines them, or their beginning where a macro makes names;
    texts to the file that they are in; and the rest, which is mostly unwind tables, evenly to the symbols."""
    files, bytes_of = _definitions_and_texts(text)
    paths = []
    for symbol, size in symbols:
        name = symbol.split(".")[0]
        known = [prefix for prefix in files if name.startswith(prefix)]
        paths.append(files[max(known, key=len)] if known else NETWORK)
        bytes_of[paths[-1]] += size
    share = (total - sum(bytes_of.values())) / len(symbols)
    for path, count in Counter(paths).items():
        bytes_of[path] += round(share * count)
    return dict(sorted(bytes_of.items()))


def _definitions_and_texts(text: str) -> tuple[dict[str, str], Counter[str]]:
    """The file of each name that it defines (on a line at the margin before a bracket or `=`, in SLIM_NAME, or with its
    beginning in a macro), and the bytes of each file's string literals."""
    files: dict[str, str] = {}
    texts: Counter[str] = Counter()
    inside = [NETWORK]
    for line in text.splitlines():
        if begin := _BEGIN.match(line):
            inside.append(begin[1])
        elif _END.match(line):
            inside.pop()
        path = inside[-1] if (CORE / inside[-1]).is_file() else NETWORK
        path = VECTORS if path.startswith("isa/") and path != "isa/select.c" else path
        if line[:1].isalpha() and not line.endswith(";"):
            files |= dict.fromkeys(re.findall(r"\b(\w+)(?=[(\[]| =)", line), path)
        for name in re.findall(r"\b(\w+_)##\w+\(", line):  # functions that a macro makes
            files.setdefault(name, path)
        if path == VECTORS or path.startswith("kernels/"):
            for name in re.findall(r"SLIM_NAME\((\w+)", line):
                files.setdefault(name, path)
        elif line.startswith(" ") and not line.startswith(" *") and line.count('"') == 2:
            texts[path] += len(line.split('"')[1]) + 1
    return files, texts


def smaller(family: str, isa: str, whole: Mapping[str, int]) -> dict[str, int]:
    """Files of which a single file may leave a part out, by `without`'s name of them, and their bytes without it."""
    found = {}
    for part in PARTS:
        measured = measure(family, isa, [part])
        for path, size in whole.items():
            if re.search(rf"SLIM_HAS_(KERNEL_)?{part.upper()}\b", _text(path)) and measured.get(path, 0) < 0.95 * size:
                found[without(path, part)] = measured.get(path, 0)
    return found


def _text(path: str) -> str:
    """What a file of the core says; nothing for the names that stand for several."""
    return (CORE / path).read_text(encoding="utf-8") if (CORE / path).is_file() else ""


def both(where: tuple[str, str]) -> tuple[dict[str, int], dict[str, int]]:
    """What `measure` and `smaller` say of a family and an instruction set."""
    measured = measure(*where)
    return measured, smaller(*where, measured)


def main() -> int:
    for command in COMPILERS.values():
        if not shutil.which(command[0]):
            print(f"{command[0]} is not installed", file=sys.stderr)
            return 1
    families: dict[str, dict[str, dict[str, int]]] = {}
    each = [(family, isa) for family in COMPILERS for isa in ISAS[family]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = dict(zip(each, pool.map(both, each), strict=True))
    for family in COMPILERS:
        families[family] = {"rest": {}}
        for isa in ISAS[family]:
            measured, parts = made[family, isa]
            sizes = measured | parts
            own = {path: size for path, size in sizes.items() if path.startswith("kernels/") or path == VECTORS}
            families[family][isa] = own
            families[family]["rest"] = {path: size for path, size in sizes.items() if path not in own}
            kernels = sum(size for path, size in own.items() if path in measured)
            print(f"{family} {isa}: {sum(measured.values())} bytes with every operator, {kernels} of kernels")
    version = subprocess.run(["gcc", "-dumpfullversion"], check=True, capture_output=True, text=True).stdout.strip()
    table = {"compiler": f"gcc {version} -O3", "families": families}
    TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
