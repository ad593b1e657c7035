"""A program inside the C file is the program."""

from __future__ import annotations

import subprocess

import pytest

from slim.amalgamate.embed import c_array
from tests.amalgamate.folders import need


@pytest.mark.parametrize("command", [["gcc", "-std=c11"], ["g++", "-x", "c++", "-std=c++14"]], ids=["C", "C++"])
def test_every_pair_of_bytes_comes_back(command, tmp_path):
    need(command[0])
    data = bytes(byte for first in range(256) for second in range(256) for byte in (first, second)) + b"\0" * 3
    (tmp_path / "a.c").write_text(
        "#include <stdio.h>\n#include <stdint.h>\n" + c_array("bytes", data)
        + "int main(void) { fwrite(bytes, 1, sizeof bytes - 1, stdout); return (uintptr_t)bytes % 64 != 0; }\n"
    )  # fmt: skip
    subprocess.run([*command, "-Wall", "-Wextra", "-Werror", "a.c", "-o", "a"], cwd=tmp_path, check=True)
    assert subprocess.run(["./a"], cwd=tmp_path, check=True, capture_output=True).stdout == data
