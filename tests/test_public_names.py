"""`import slim`: the public names, complete, typed, and free until they are used."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import slim

PUBLIC = {
    "load", "simplify", "prune", "quantize", "compress", "estimate", "check", "build", "profile", "Session", "Device",
    "Budget",
}  # fmt: skip


def test_all_names_the_public_functions_and_nothing_else() -> None:
    assert set(slim.__all__) == PUBLIC
    assert set(dir(slim)) == PUBLIC | {"__version__"}


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_name_is_documented_and_callable(name: str) -> None:
    value = getattr(slim, name)
    assert callable(value)
    assert inspect.getdoc(value)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(slim.__file__).read_text(encoding="utf-8"))
    imported = {
        alias.name
        for block in ast.walk(tree)
        if isinstance(block, ast.If)
        for line in block.body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }
    assert imported == PUBLIC


def test_importing_a_room_leaves_the_function_of_its_name() -> None:
    code = "import slim.load, slim.estimate, slim; print(slim.load.__name__, slim.estimate.__module__)"
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.split() == ["load", "slim.api"]


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lower_case'"):
        slim.lower_case  # noqa: B018


def test_import_slim_loads_no_other_module_of_slim() -> None:
    code = "import sys, slim; print([m for m in sys.modules if m.startswith(('slim.', 'numpy', 'onnx'))])"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "[]"
