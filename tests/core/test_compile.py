"""Compiling the core: which compiler, what is compiled again, and what is said when it fails."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from pathlib import Path

import pytest

from slim.core import compile as compiling
from slim.core.manifest import Unit
from slim.core.newest import newest_source
from slim.errors import SlimError


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a core of two C files and a header in place of the real one."""
    try:
        compiling.find_compiler()
    except SlimError as error:
        pytest.skip(str(error))
    core = tmp_path / "slim" / "core"
    core.mkdir(parents=True)
    (tmp_path / "slim" / "runtime").mkdir()
    (tmp_path / "pyproject.toml").touch()
    (core / "answer.h").write_text("#define ANSWER 42\n")
    (core / "answer.c").write_text(
        '#include "answer.h"\n__attribute__((visibility("default"))) int answer(void) { return ANSWER + EXTRA; }\n'
    )
    (core / "other.c").write_text("int other(void) { return 1; }\n")
    monkeypatch.setattr(compiling, "CORE", core)
    monkeypatch.setattr(compiling, "PACKAGE", tmp_path / "slim")
    monkeypatch.setattr(compiling, "LIBRARY", tmp_path / "slim" / "runtime" / "_core.so")
    monkeypatch.setattr(compiling, "OBJECTS", tmp_path / "build")
    units = [Unit(Path("answer.c"), ("EXTRA=1",)), Unit(Path("other.c"))]
    monkeypatch.setattr(compiling, "library_units", lambda family: units)
    return core


def objects(core: Path) -> set[str]:
    return {path.name for path in compiling.OBJECTS.glob("*.o")}


def touch_later(path: Path) -> None:
    """Give the file a time after everything that was written so far."""
    later = newest_source(str(compiling.CORE)) + 10**9
    os.utime(path, ns=(later, later))


def answer(library: Path, copy: Path) -> int:
    """`answer()` of a library, loaded under another name because a process loads one path only once."""
    copy.write_bytes(library.read_bytes())
    return int(ctypes.CDLL(str(copy)).answer())


def test_cc_names_the_compiler_and_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "ccache 'my gcc' -m64")
    assert compiling.find_compiler() == ["ccache", "my gcc", "-m64"]


def test_the_first_of_cc_gcc_clang_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("clang", "gcc"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compiling.find_compiler() == [str(tmp_path / "gcc")]


def test_zig_compiles_for_the_baseline_where_there_is_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "ziglang" or None)
    assert compiling.find_compiler() == [sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline"]


def test_without_any_compiler_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SlimError, match="no C compiler; install gcc or clang, or `pip install ziglang`"):
        compiling.find_compiler()


def test_the_library_has_what_defines_and_headers_say(core: Path, tmp_path: Path) -> None:
    assert answer(compiling.library_path(), tmp_path / "first.so") == 43


def test_an_edited_header_recompiles_only_what_includes_it(core: Path, tmp_path: Path) -> None:
    compiling.library_path()
    before = objects(core)
    (core / "answer.h").write_text("#define ANSWER 6\n")
    touch_later(core / "answer.h")
    assert answer(compiling.library_path(), tmp_path / "second.so") == 7
    assert {name.rpartition("-")[0] for name in objects(core) - before} == {"answer"}


def test_nothing_is_compiled_or_linked_when_nothing_changed(core: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = compiling.library_path()
    written = library.stat().st_ino
    monkeypatch.setenv("CC", "false")
    assert compiling.library_path().stat().st_ino == written


def test_a_touched_file_of_the_same_text_is_only_linked_again(core: Path) -> None:
    written = compiling.library_path().stat().st_ino
    before = objects(core)
    touch_later(core / "other.c")
    assert compiling.library_path().stat().st_ino != written
    assert objects(core) == before


def test_another_option_is_another_object(core: Path, tmp_path: Path) -> None:
    compiling.library_path()
    before = objects(core)
    compiling.compile_library(tmp_path / "debug.so", flags=["-O0"])
    assert len(objects(core) - before) == 2


def test_an_error_of_the_compiler_is_passed_on_and_leaves_the_library(core: Path) -> None:
    library = compiling.library_path()
    before = library.read_bytes()
    (core / "other.c").write_text("int other(void) { return missing_name; }\n")
    touch_later(core / "other.c")
    with pytest.raises(SlimError, match="missing_name"):
        compiling.library_path()
    assert library.read_bytes() == before
    assert [path.name for path in library.parent.iterdir()] == ["_core.so"]


def test_a_compiler_that_cannot_be_started_is_named(core: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "/nowhere/cc")
    with pytest.raises(SlimError, match=r"/nowhere/cc.*cannot be started"):
        compiling.library_path()


def test_an_installed_wheel_is_never_compiled(core: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (compiling.PACKAGE.parent / "pyproject.toml").unlink()
    monkeypatch.setenv("CC", "false")
    with pytest.raises(SlimError, match="the compiled core is missing; install slim again"):
        compiling.library_path()
    compiling.LIBRARY.write_bytes(b"as installed")
    touch_later(core / "other.c")
    assert compiling.library_path().read_bytes() == b"as installed"
