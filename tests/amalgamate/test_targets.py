"""Target descriptions: what they hold, how they extend each other, what is said of broken ones."""

from __future__ import annotations

import pytest

from slim.amalgamate import build, list_targets, load_target
from slim.amalgamate.toolchain import find_toolchain
from slim.core.manifest import ISAS
from slim.errors import SlimError
from tests.amalgamate.folders import float_program


def test_the_targets_of_this_version_are_there():
    names = {target.name for target in list_targets()}
    assert {"x86-64-linux", "aarch64-linux", "rpi3", "rpi4", "rpi5", "armv7-linux", "wasm", "generic"} <= names
    for target in list_targets():
        assert set(target.isas) <= set(ISAS[target.family])
        assert target.compilers


def test_a_target_extends_another():
    assert load_target("rpi3").family == "aarch64"
    assert load_target("rpi3").isas == ("neon",)
    assert load_target("rpi3").compilers == load_target("aarch64-linux").compilers


def test_an_unknown_target_has_near_matches():
    with pytest.raises(SlimError, match="there is no target 'rpi33'; did you mean 'rpi"):
        load_target("rpi33")


def test_everything_wrong_in_a_description_is_said_at_once(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('family = "mips"\nisas = ["avx"]\nlink = 3\nspeed = 1\ncompilers = []\n')
    with pytest.raises(SlimError) as caught:
        load_target(str(path))
    said = str(caught.value)
    assert all(word in said for word in ("unknown key 'speed'", "lacks the key 'description'", "'link' is not a list"))


def test_a_description_that_extends_itself_is_refused(tmp_path):
    path = tmp_path / "loop.toml"
    path.write_text(f'extends = "{path}"\n')
    with pytest.raises(SlimError, match="does not lead to a target"):
        load_target(str(path))


def test_a_description_of_ones_own_chooses_the_files(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('extends = "generic"\nfiles = ["example.c"]\n')
    result = build(float_program(), name="net", target=str(path), out=tmp_path / "out")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["example.c", "net.c", "net.h", "net.slim"]
    assert (result.target, result.isas) == ("mine", ("plain",))


def test_without_a_compiler_the_remedy_is_named(tmp_path, monkeypatch):
    path = tmp_path / "mine.toml"
    path.write_text('extends = "generic"\npackage = "gcc-thing"\ncompilers = [{command = "thing-gcc"}]\n')
    with pytest.raises(SlimError, match=r"tried thing-gcc\); `apt install gcc-thing`"):
        build(float_program(), name="net", target=str(path), out=tmp_path / "out", compile=True)
    assert not (tmp_path / "out").exists()


def test_zig_stands_in_where_there_is_no_cross_compiler(monkeypatch):
    pytest.importorskip("ziglang")
    monkeypatch.setenv("PATH", "")
    tools = find_toolchain(load_target("rpi4"))
    assert tools.compiler[1:] == ("-m", "ziglang", "cc", "-target", "aarch64-linux-musl")


def test_a_compiler_that_lacks_what_it_needs_is_passed_over(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'extends = "generic"\ncompilers = [{command = "cc", needs = ["no-such-linker"]}, {command = "gcc-thing"}]\n'
    )
    with pytest.raises(SlimError, match="no compiler for target mine"):
        find_toolchain(load_target(str(path)))
    path.write_text('extends = "generic"\ncompilers = [{command = "cc", needs = "ld"}]\n')
    with pytest.raises(SlimError, match="needs are not a list"):
        load_target(str(path))
