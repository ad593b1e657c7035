"""The core's sources without a warning, under gcc and clang: `make lint` runs it.

A compiler that is not installed is skipped with a word, except under CI, where both must be there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from slim.core.compile import processor_family
from slim.core.manifest import CORE, Unit, library_units

COMPILERS = ("gcc", "clang")
FLAGS = ("-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{CORE}")


def warnings(compiler: str, unit: Unit) -> str:
    """What the compiler has to say about one unit."""
    command = [compiler, *FLAGS, *(f"-D{define}" for define in unit.defines), str(CORE / unit.source)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def main() -> int:
    missing = [name for name in COMPILERS if not shutil.which(name)]
    if missing and os.environ.get("CI"):
        print(f"CI needs {' and '.join(missing)}", file=sys.stderr)
        return 1
    units = library_units(processor_family())
    found = ""
    for compiler in COMPILERS:
        if compiler in missing:
            print(f"{compiler}: not installed, skipped")
            continue
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            said = "".join(pool.map(lambda unit, compiler=compiler: warnings(compiler, unit), units))
        print(f"{compiler}: {len(units)} files of {Path(CORE).name}, {'warnings' if said else 'no warnings'}")
        found += said
    print(found, end="", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
