"""Targets: what a single file is made for, read from `configs/targets/*.toml`.

A target is a processor family, the instruction sets that the file holds, the compilers that can make it, and the files
to write beside it. A new one is a new description, which may extend another; the builder has no branch for any of them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from slim.configs import config_names, find_config, read_config
from slim.core.compile import processor_family
from slim.core.manifest import ISAS
from slim.errors import Problem, SlimError

FOR_SIZE = ("-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-fno-inline-functions", "-falign-functions=1")
"""Flags that make the code smaller and no slower."""

COMPANIONS = ("example.c", "network.mjs", "example.mjs", "Makefile", "README.md")
"""Files that may be written beside the single file, its header and the weights; `network.mjs` becomes NAME.mjs."""

_HOSTS = {"x86_64": "x86-64-linux", "aarch64": "aarch64-linux", "armv7": "armv7-linux"}


@dataclass(frozen=True)
class Compiler:
    """One way to compile for a target: a command on the path, or zig's target triple. `native` ones need a host of
    the target's family; `needs` are other commands and files that must be there."""

    command: str = ""
    zig: str = ""
    flags: tuple[str, ...] = ()
    native: bool = False
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """One description. `runner` is a command that runs a program of the target on another host. Where `module` is set,
    compiling makes NAME.MODULE with the network's functions instead of a library and an example."""

    name: str
    description: str
    family: str
    isas: tuple[str, ...]
    compilers: tuple[Compiler, ...]
    flags: tuple[str, ...] = ("-O3", "-std=gnu11", *FOR_SIZE)
    libs: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    module: str = ""
    runner: tuple[str, ...] = ()
    package: str = ""  # Debian's package with the compiler
    files: tuple[str, ...] = ("example.c", "Makefile", "README.md")


def list_targets() -> tuple[Target, ...]:
    """Every target that comes with slim, by name."""
    return tuple(map(load_target, config_names("targets")))


def load_target(name: str) -> Target:
    """A target by its name, by the path of a description, or "host" for this machine.

    Raises SlimError where there is none of that name, and for everything that is wrong in a description.
    """
    if name == "host":
        name = _HOSTS.get(processor_family(), "generic")
    path = find_config("targets", name, also=["host"])
    return _target(path.stem, _read(path), str(path))


def _read(path: Path, depth: int = 0) -> dict[str, Any]:
    """The description, on top of the one that it extends."""
    own = read_config(path)
    base = own.pop("extends", None)
    if base is None:
        return own
    if not isinstance(base, str) or depth > 8:
        raise SlimError(Problem("'extends' does not lead to a target", str(path)))
    return {**_read(find_config("targets", base), depth + 1), **own}


def _target(name: str, values: dict[str, Any], where: str) -> Target:
    known = {field.name: str(field.type) for field in fields(Target)}
    problems = [Problem(f"has an unknown key '{key}'", where) for key in values if key not in known or key == "name"]
    required = ("description", "family", "isas", "compilers")
    problems += [Problem(f"lacks the key '{key}'", where) for key in required if key not in values]
    texts = [key for key, kind in known.items() if kind == "str"]
    lists = [key for key, kind in known.items() if kind == "tuple[str, ...]"]
    problems += [Problem(f"'{key}' is not text", where) for key in texts if not isinstance(values.get(key, ""), str)]
    problems += [
        Problem(f"'{key}' is not a list of texts", where) for key in lists if not _is_texts(values.get(key, []))
    ]
    if not problems:
        problems += _choices("isas", values["isas"], ISAS.get(values["family"], ()), where)
        problems += _choices("family", [values["family"]], tuple(ISAS), where)
        problems += _choices("files", values.get("files", []), COMPANIONS, where)
    if problems:
        raise SlimError(problems)
    settings: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
    settings["compilers"] = _compilers(values["compilers"], where)
    return Target(name=name, **settings)


def _choices(key: str, values: list[str], known: tuple[str, ...], where: str) -> list[Problem]:
    hint = f"use some of {', '.join(known)}"
    return [Problem(f"'{key}' has an unknown '{value}'", where, hint) for value in values if value not in known]


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _compilers(values: object, where: str) -> tuple[Compiler, ...]:
    found = []
    for value in values if isinstance(values, list) else [None]:
        known = {"command", "zig", "flags", "native", "needs"}
        if not isinstance(value, dict) or value.keys() - known or ("command" in value) == ("zig" in value):
            raise SlimError(Problem("a compiler needs a command or zig's target, and may have flags", where))
        for key in ("flags", "needs"):
            if not _is_texts(value.get(key, [])):
                raise SlimError(Problem(f"a compiler's {key} are not a list of texts", where))
        flags, needs = (tuple(value.get(key, [])) for key in ("flags", "needs"))
        found.append(
            Compiler(str(value.get("command", "")), str(value.get("zig", "")), flags, bool(value.get("native")), needs)
        )
    return tuple(found)
