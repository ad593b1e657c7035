"""The generated C headers are what their Python descriptions say today."""

from __future__ import annotations

import re

from slim.core.format import c_header
from slim.core.manifest import CORE, ISAS, select, selection_header


def test_the_format_header_is_current() -> None:
    assert (CORE / "include" / "slim_format.h").read_text() == c_header(), "run python -m slim.core.format"


def test_the_selection_header_is_current() -> None:
    assert (CORE / "include" / "slim_selection.h").read_text() == selection_header(select(), ()), (
        "run python -m slim.core.manifest"
    )


def test_every_operator_has_a_file_and_a_code_of_its_own() -> None:
    from slim.core.operators import OPERATORS

    assert {op.name for op in OPERATORS.values()} == {op.name for op in select().operators}
    assert len({op.code for op in OPERATORS.values()}) == len(OPERATORS)


def test_instruction_sets_compile_every_kernel() -> None:
    text = (CORE / "isa" / "kernels.h").read_text()
    assert re.findall(r'#include "kernels/(\w+)\.c"', text) == list(select().kernels)
    for isa in {isa for isas in ISAS.values() for isa in isas}:
        assert '#include "isa/kernels.h"' in (CORE / "isa" / f"{isa}.c").read_text()
