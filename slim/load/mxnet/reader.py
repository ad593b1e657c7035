"""From the two MXNet files to a model: pair them, decide what is an input and what a weight, translate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnx_ir as ir

from slim.errors import LoadError, Problem
from slim.load.foreign import foreign
from slim.load.mxnet.pairing import find_params
from slim.load.mxnet.params import read_params
from slim.load.mxnet.symbol import read_symbol
from slim.load.mxnet.translate import Weights, translate


def load_mxnet(path: Path, params: Path | None, shapes: Mapping[str, tuple[int, ...]]) -> ir.Model:
    """The network of the symbol file at `path` (see `slim.load.load`)."""
    symbol = read_symbol(path)
    if params is None:
        with foreign(str(path.parent), "cannot be searched for a params file"):
            params = find_params(path)
    elif not params.is_file():
        raise LoadError(Problem("no such file", str(params), "give the .params file of the symbol"))
    weights: Weights | None = None
    if params is not None:
        arrays = read_params(params)
        if arrays and not any(name for name, _ in arrays):
            do = "save it with names, as mxnet's save_checkpoint does"
            raise LoadError(Problem(f"its {len(arrays)} arrays have no names", str(params), do))
        weights = Weights(str(params), dict(arrays))
    model = translate(symbol, weights, shapes, str(path))
    model.metadata_props["slim.source"] = "mxnet"
    if weights is None:
        model.metadata_props["slim.weights"] = "absent"
    return model
