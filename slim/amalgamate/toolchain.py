"""Compiling what was written, with the first of a target's compilers that this machine has."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from slim.amalgamate.network import Network
from slim.amalgamate.targets import Compiler, Target
from slim.core.compile import processor_family
from slim.errors import Problem, SlimError


@dataclass(frozen=True)
class Toolchain:
    """Commands with the flags that the target needs."""

    compiler: tuple[str, ...]
    archiver: tuple[str, ...]
    flags: tuple[str, ...]


def find_toolchain(target: Target) -> Toolchain:
    """The first of the target's compilers that is here. Raises SlimError where there is none, with what to install."""
    for compiler in target.compilers:
        commands = _commands(compiler, target)
        if commands:
            return Toolchain(*commands, (*target.flags, *compiler.flags))
    zig = any(c.zig for c in target.compilers)
    remedies = [f"`apt install {target.package}`"] * bool(target.package) + ["`pip install ziglang`"] * zig
    tried = ", ".join(c.command or f"zig for {c.zig}" for c in target.compilers)
    raise SlimError(
        Problem(
            f"there is no compiler for target {target.name} (tried {tried})", do=" or ".join(remedies) or "install one"
        )
    )


def _commands(compiler: Compiler, target: Target) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The compiler's command and its archiver's."""
    if compiler.native and target.family != processor_family():
        return None
    if not all(shutil.which(need) or Path(need).exists() for need in compiler.needs):
        return None
    if compiler.zig:
        if not importlib.util.find_spec("ziglang"):
            return None
        zig = (sys.executable, "-m", "ziglang")
        return (*zig, "cc", "-target", compiler.zig), (*zig, "ar")
    found = shutil.which(compiler.command)
    if not found:
        return None
    prefix = found.removesuffix("gcc") if compiler.command.endswith("-gcc") else ""
    archiver = shutil.which(f"{prefix}ar")
    return ((found,), (archiver,)) if archiver else None


def compile_folder(folder: Path, network: Network, target: Target) -> dict[str, str]:
    """Compile NAME.c in `folder` to libNAME.a, and example.c with it to `example`; or to a module. Returns the names of
    the files by their keys in the result."""
    tools = find_toolchain(target)
    name = network.file
    compiler = [*tools.compiler, *tools.flags]
    if target.module:
        module = f"{name}.{target.module}"
        _run([*compiler, *target.link, *export_flags(network), f"{name}.c", *target.libs, "-o", module], folder)
        return {"module": module}
    library = f"lib{name}.a"
    _run([*compiler, "-c", f"{name}.c", "-o", f"{name}.o"], folder)
    _run([*tools.archiver, "rcsD", library, f"{name}.o"], folder)
    if "example.c" not in target.files:
        return {"library": library}
    _run([*compiler, *target.link, "example.c", library, *target.libs, "-o", "example"], folder)
    return {"library": library, "executable": "example"}


def export_flags(network: Network) -> list[str]:
    """What makes a linker keep the functions that a module is called through, and nothing that they do not use."""
    words = ("open" if network.embedded else "open_bytes", "run", "error", "close")
    return [f"-Wl,--export={name}" for name in (*(f"{network.name}_{word}" for word in words), "malloc", "free")]


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise SlimError(Problem(f"cannot be started ({error})", command[0])) from error
    except subprocess.CalledProcessError as error:
        raise SlimError(Problem(f"the compiler failed:\n{error.stderr}", shlex.join(command))) from error
