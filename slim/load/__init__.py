"""Reading models: a path in, an `onnx_ir.Model` at opset 21 with static shapes out.

ONNX files are checked, bound to fixed shapes and brought to one opset (`onnx_reader`); MXNet symbol and params files
are translated to standard ONNX operators (`mxnet`). Whatever cannot be read raises one `LoadError` with every problem.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slim.errors import LoadError, Problem

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
        reason = "is a folder, not a file" if source.is_dir() else "no such file"
        raise LoadError(Problem(reason, str(source), "give the path of an .onnx file or of an MXNet symbol .json"))
    bound = {name: tuple(int(dim) for dim in dims) for name, dims in (shapes or {}).items()}
    bad = [name for name, dims in bound.items() if not all(0 < dim < 2**31 for dim in dims)]
    if bad:
        raise LoadError([Problem(f"shape {bound[name]} has a dimension below 1", f"input '{name}'") for name in bad])
    if source.suffix == ".json":
        from slim.load.mxnet import load_mxnet

        return load_mxnet(source, None if params is None else Path(params), bound)
    if params is not None:
        raise LoadError(Problem("a params file belongs to an MXNet symbol .json", str(source), "leave --params out"))
    from slim.load.onnx_reader import load_onnx

    return load_onnx(source, bound)
