"""Compiles the core into the library that `slim.runtime` loads.

Sources come from `manifest.py`; the result is `slim/runtime/_core.so`. `setup.py` calls `compile_library` when a wheel
is built, `slim.runtime` calls `library_path` when it loads the core: in a checkout that compiles whatever is newer,
in an installed wheel it only returns the file. Objects are kept by the hash of everything that went into them, so
nothing is compiled twice. Imports nothing outside the standard library: it runs before slim's dependencies are there.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from slim.core.manifest import CORE, ISAS, Unit, library_units
from slim.core.newest import is_current, newest_source
from slim.errors import Problem, SlimError

PACKAGE = CORE.parent
LIBRARY = PACKAGE / "runtime" / "_core.so"
OBJECTS = PACKAGE.parent / "build" / "core"
FLAGS = ("-O3", "-std=gnu11", "-fPIC", "-fvisibility=hidden", "-pthread")

_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.MULTILINE)
_FAMILIES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64", "armv7l": "armv7"}


def find_compiler() -> list[str]:
    """The command of a C compiler: `$CC`, else `cc`, `gcc` or `clang`, else the one in the `ziglang` package.

    Raises SlimError where there is none.
    """
    if given := os.environ.get("CC"):
        return shlex.split(given)
    for name in ("cc", "gcc", "clang"):
        if path := shutil.which(name):
            return [path]
    if importlib.util.find_spec("ziglang"):
        # zig compiles for the very processor it runs on unless it is told otherwise
        return [sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline"]
    raise SlimError(Problem("there is no C compiler", do="install gcc or clang, or `pip install ziglang`"))


def processor_family() -> str:
    """The key of `manifest.ISAS` that describes this machine."""
    family = _FAMILIES.get(platform.machine().lower(), "any")
    # a 32-bit Python on a 64-bit kernel compiles 32-bit code
    narrow = {"x86_64": "any", "aarch64": "armv7"}
    return narrow.get(family, family) if sys.maxsize < 2**32 else family


def compile_library(out: Path, *, flags: Sequence[str] = (), family: str | None = None) -> Path:
    """Compile the whole core and link it to `out`, which is replaced in one step. Returns `out`.

    `flags` follow the usual ones, so they win. Raises SlimError with the compiler's own words when it fails.
    """
    family = family or processor_family()
    if family not in ISAS:
        raise SlimError(Problem(f"no processor family '{family}'", do=f"use one of {', '.join(ISAS)}"))
    command = [*find_compiler(), *FLAGS, *flags]
    OBJECTS.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(lambda unit: _object(command, unit), library_units(family)))
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        _run([*command, "-shared", *map(str, objects), "-o", str(beside), "-lm", "-lpthread"])
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
    return out


def library_path() -> Path:
    """The library, up to date. In a checkout it is compiled first when a source is newer; a wheel's is never touched.

    Raises SlimError when it is missing from a wheel, or cannot be compiled.
    """
    if not (PACKAGE.parent / "pyproject.toml").is_file():
        if not LIBRARY.is_file():
            raise SlimError(Problem("the compiled core is missing", str(LIBRARY), "install slim again"))
        return LIBRARY
    if not _current():
        with _only_one():
            if not _current():
                newest = newest_source(str(CORE))
                compile_library(LIBRARY)
                # as old as the sources it was made from: an edit during the compilation makes it stale
                os.utime(LIBRARY, ns=(newest, newest))
    return LIBRARY


def _current() -> bool:
    return is_current(str(LIBRARY), str(CORE))


@contextmanager
def _only_one() -> Iterator[None]:
    """One process compiles, others wait for it."""
    OBJECTS.mkdir(parents=True, exist_ok=True)
    with open(OBJECTS / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _object(command: list[str], unit: Unit) -> Path:
    """The object file of one unit, compiled unless the same text was compiled by the same command before."""
    command = [*command, f"-I{CORE}", *(f"-D{define}" for define in unit.defines)]
    key = hashlib.sha256("\0".join([_compiler_version(tuple(find_compiler())), *command]).encode())
    for path, text in sorted(_texts(CORE / unit.source).items()):
        key.update(str(path).encode() + b"\0" + text)
    target = OBJECTS / f"{unit.source.stem}-{key.hexdigest()[:24]}.o"
    if not target.exists():
        beside = target.with_suffix(f".{os.getpid()}.o")
        try:
            _run([*command, "-c", str(CORE / unit.source), "-o", str(beside)])
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    return target


@cache
def _compiler_version(command: tuple[str, ...]) -> str:
    return _run([*command, "--version"])


def _texts(source: Path) -> dict[Path, bytes]:
    """A file and every file of the core that it includes, directly or not."""
    found: dict[Path, bytes] = {}
    waiting = [source]
    while waiting:
        path = waiting.pop()
        if path not in found and path.is_file():
            found[path] = path.read_bytes()
            for name in _INCLUDE.findall(found[path]):
                waiting += [CORE / name.decode(), path.parent / name.decode()]
    return found


def _run(command: list[str]) -> str:
    """The command's output. Raises SlimError when it cannot be started or fails."""
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise SlimError(Problem(f"the C compiler cannot be started ({error})", command[0], "check $CC")) from error
    except subprocess.CalledProcessError as error:
        raise SlimError(Problem(f"the core does not compile:\n{error.stderr}", shlex.join(command))) from error
    return done.stdout


if __name__ == "__main__":
    try:
        print(library_path())
    except SlimError as error:
        sys.exit(str(error))
