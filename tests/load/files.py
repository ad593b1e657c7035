"""Writes MXNet files byte by byte, in every version of the format, for the tests of the readers."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FLAGS = {"float32": 0, "float64": 1, "float16": 2, "uint8": 3, "int32": 4, "int8": 5, "int64": 6}
MAGICS = {"V1": 0xF993FAC8, "V2": 0xF993FAC9, "V3": 0xF993FACA}


def params_bytes(
    arrays: Mapping[str, np.ndarray], version: str = "V2", named: bool = True, prefix: str = "arg:"
) -> bytes:
    """A params file (src/ndarray/ndarray.cc of MXNet). `version` is V1, V2, V3 or legacy."""
    out = struct.pack("<QQQ", 0x112, 0, len(arrays))
    for array in arrays.values():
        dim = "I" if version == "legacy" else "q"
        if version != "legacy":
            out += struct.pack("<I", MAGICS[version])
        if version in ("V2", "V3"):
            out += struct.pack("<i", 0)
        out += struct.pack(f"<I{array.ndim}{dim}", array.ndim, *array.shape)
        out += struct.pack("<iii", 1, 0, FLAGS[array.dtype.name]) + array.tobytes()
    names = [prefix + name for name in arrays] if named else []
    out += struct.pack("<Q", len(names))
    return out + b"".join(struct.pack("<Q", len(name)) + name.encode() for name in names)


def write_network(
    folder: Path, nodes: list[dict[str, Any]], arrays: Mapping[str, np.ndarray] | None, heads: Any = None
) -> Path:
    """`net-symbol.json` and, with `arrays`, `net-0000.params`; the last node is the head unless `heads` says else."""
    symbol = folder / "net-symbol.json"
    symbol.write_text(json.dumps({"nodes": nodes, "heads": heads or [[len(nodes) - 1, 0, 0]]}))
    if arrays is not None:
        (folder / "net-0000.params").write_bytes(params_bytes(arrays))
    return symbol


def variable(name: str, **extra: Any) -> dict[str, Any]:
    """A variable node."""
    return {"op": "null", "name": name, "inputs": [], **extra}


def operator(op: str, name: str, inputs: list[int], **attributes: str) -> dict[str, Any]:
    """An operator node in the form of MXNet 1.x."""
    return {"op": op, "name": name, "attrs": attributes, "inputs": [[index, 0, 0] for index in inputs]}
