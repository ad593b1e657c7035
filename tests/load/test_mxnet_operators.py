"""Each MXNet operator's translation against MXNet 1.9.1's own output (tests/fixtures/load/operators.npz)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from slim.load import load
from tests.load.files import params_bytes
from tests.load.runs import assert_close, assert_settled, run

GOLDEN = Path(__file__).parents[1] / "fixtures" / "load" / "operators.npz"


@cache
def golden() -> dict[str, np.ndarray]:
    """The golden file, `NAME/symbol`, `NAME/input/K`, `NAME/params/K`, `NAME/output/K`."""
    with np.load(GOLDEN) as file:
        return dict(file)


def part(name: str, kind: str) -> dict[str, np.ndarray]:
    """The arrays of one case's inputs, params or outputs, by their own names."""
    start = f"{name}/{kind}/"
    return {key.removeprefix(start): array for key, array in golden().items() if key.startswith(start)}


@pytest.mark.parametrize("name", sorted({key.split("/")[0] for key in golden()}))
def test_operator_computes_what_mxnet_computes(name: str, tmp_path: Path) -> None:
    (tmp_path / "net-symbol.json").write_bytes(golden()[f"{name}/symbol"].tobytes())
    (tmp_path / "net-0000.params").write_bytes(params_bytes(part(name, "params")))
    inputs, want = part(name, "input"), part(name, "output")
    model = load(tmp_path / "net-symbol.json", shapes={key: array.shape for key, array in inputs.items()})
    assert_settled(model)
    got = run(model, inputs)
    assert len(got) == len(want)
    for index, array in enumerate(got):
        output = model.graph.outputs[index]
        assert output.shape is not None
        assert tuple(output.shape.numpy()) == want[str(index)].shape
        assert_close(array, want[str(index)], within=1e-5)
