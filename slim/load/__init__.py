"""Reading models: a path in, an `onnx_ir.Model` at opset 21 with static shapes out.

ONNX files are checked, bound to fixed shapes and brought to one opset (`onnx_reader`); MXNet symbol and params files
are translated to standard ONNX operators (`mxnet`). Whatever cannot be read raises one `LoadError` with every problem.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slim.errors import LoadError, Problem
from slim.load.limits import MAX_ELEMENTS

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["load"]


def load(
    path: str | os.PathLike[str],
    *,
    params: str | os.PathLike[str] | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> ir.Model:
    """Read an ONNX file, or an MXNet symbol JSON with its params, as a model that every stage of slim accepts.

    - `params`: the MXNet `.params` file; found beside the symbol file (newest epoch) when not given.
    - `shapes`: input name -> dims (N, C, H, W as the network has them), for dimensions that the file leaves open. A
      lone open leading dimension is a batch and becomes 1, which `model.metadata_props['slim.batch']` records.

    The result is at opset 21 with every value's shape and dtype static. `metadata_props['slim.source']` says `onnx` or
    `mxnet`; `metadata_props['slim.weights']` is `absent` for a symbol file without params (weights read as zeros).

    Raises `LoadError` with every problem found: unknown operators, missing shapes, damaged or mismatched files."""
    source = Path(path)
    if not source.is_file():
        reason = "is a folder" if source.is_dir() else "is not a regular file" if source.exists() else "no such file"
        raise LoadError(Problem(reason, str(source), "give the path of an .onnx file or of an MXNet symbol .json"))
    bound = {name: tuple(int(dim) for dim in dims) for name, dims in (shapes or {}).items()}
    problems = [problem for name, dims in bound.items() if (problem := _impossible(name, dims))]
    if problems:
        raise LoadError(problems)
    if source.suffix == ".slim":
        do = "`slim run`, `slim bench` and `slim build` take it; give the others the model that it was made from"
        raise LoadError(Problem("is a slim program, which is no graph any more", str(source), do))
    if source.suffix == ".json":
        from slim.load.mxnet import load_mxnet

        return load_mxnet(source, None if params is None else Path(params), bound)
    if params is not None:
        raise LoadError(Problem("a params file belongs to an MXNet symbol .json", str(source), "leave --params out"))
    from slim.load.onnx_reader import load_onnx

    return load_onnx(source, bound)


def _impossible(name: str, dims: tuple[int, ...]) -> Problem | None:
    """What is wrong with a shape that the caller gave: no tensor of it could be held."""
    text = "x".join(map(str, dims)) or "()"
    if any(dim < 1 for dim in dims):
        return Problem(f"shape {text} has a dimension below 1", f"input '{name}'", "give the network's own shape")
    if math.prod(dims) > MAX_ELEMENTS:
        return Problem(f"shape {text} has more than 2^31 elements", f"input '{name}'", "give a smaller one")
    return None
