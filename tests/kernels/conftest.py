"""The kernels of each instruction set that this machine can run, compiled once a test session."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from tests.kernels.build import ISAS, NUMBERS, build, compiler
from tests.kernels.tasks import Kernels


@pytest.fixture(scope="session")
def kernel_library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder: Path = tmp_path_factory.mktemp("kernels")
    library = ctypes.CDLL(str(build(folder, "kernels.so", [], ISAS, [compiler("cc"), "-O3", "-shared", "-fPIC"])))
    library.slim_find_kernels.restype = ctypes.POINTER(Kernels)
    return library


@pytest.fixture(scope="session", params=ISAS)
def kernels(request: pytest.FixtureRequest, kernel_library: ctypes.CDLL) -> Kernels:
    found = kernel_library.slim_find_kernels(NUMBERS[request.param])
    if not found:
        pytest.skip(f"this processor has no {request.param}")
    table: Kernels = found.contents
    assert table.name == request.param.encode()
    return table
