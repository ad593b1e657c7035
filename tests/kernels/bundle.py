"""Programs with inputs and what they must give, in one file for `cases.c`; and the whole core compiled with it."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import onnx_ir as ir

from slim.core.manifest import library_units
from slim.lower import lower
from slim.runtime import Session
from tests.kernels.build import CORE, HERE
from tests.kernels.networks import KINDS, random_network


@cache
def bundle(each: int) -> bytes:
    """`each` networks of every kind, in fp32, bf16 and integers, with what the plain kernels of this machine say."""
    cases = [
        _case(kind, Random(f"{kind} {seed}"), integer)
        for kind in KINDS
        for integer in (False, True)
        for seed in range(each)
        if not (integer and kind == "attention")  # its products are in fp32, and its bytes then differ by one
    ]
    # one product: the next would round what differs in its last bits to other bf16 numbers
    cases += [
        _case(kind, Random(f"{kind} {seed}"), False, "bf16")
        for kind in ("convolution", "pointwise", "square", "dense", "large")
        for seed in range(each)
    ]
    return b"".join([_word(len(cases)), *cases])


def _case(kind: str, random: Random, integer: bool, arithmetic: str = "fp32") -> bytes:
    model, feeds = random_network(kind, random, integer=integer)
    program = bytes(lower(ir.from_proto(model), arithmetic=arithmetic))
    session = Session(program, isa="plain")
    expected = session.run(feeds)["y"]
    inputs = [np.ascontiguousarray(feeds[info.name]).tobytes() for info in session.inputs]
    session.close()
    parts = [_word(len(program)), program, _word(len(inputs))]
    for data in inputs:
        parts += [_word(len(data)), data]
    return b"".join([*parts, _word(not integer), _word(expected.nbytes), expected.tobytes()])


def _word(value: int) -> bytes:
    return int(value).to_bytes(4, "little")


def build_cases(folder: Path, family: str, command: list[str], link: list[str], output: str = "cases") -> Path:
    """The whole core of a processor family and `cases.c`, compiled by `command` and linked with `link` to a program."""
    units = [(CORE / unit.source, unit.defines) for unit in library_units(family)]
    units.append((HERE / "cases.c", ()))

    def compiled(unit: tuple[Path, tuple[str, ...]]) -> str:
        source, defines = unit
        target = folder / f"{source.parent.name}_{source.stem}.o"
        options = ["-std=gnu11", f"-I{CORE}", *(f"-D{define}" for define in defines)]
        subprocess.run([*command, *options, "-c", str(source), "-o", str(target)], check=True)
        return str(target)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compiled, units))
    subprocess.run([*command, *objects, *link, "-lm", "-o", str(folder / output)], check=True)
    return folder / output


def replay(command: list[str], number: int, folder: Path, data: bytes) -> subprocess.CompletedProcess[str]:
    """Run the cases on the instruction set of this number."""
    (folder / "bundle.bin").write_bytes(data)
    command = [*command, str(number), "bundle.bin"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
