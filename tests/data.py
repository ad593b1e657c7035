"""Where the real models and images are: `$SLIM_TEST_DATA`, or `../shared/data` beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def data_path(*parts: str) -> Path:
    """The path of a data file or folder; the test is skipped when it is absent, and fails under CI."""
    base = Path(os.environ.get("SLIM_TEST_DATA", ROOT.parent / "shared" / "data"))
    path = base.joinpath(*parts)
    if not path.exists():
        message = f"test data {path} is not here; set SLIM_TEST_DATA"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path
