"""Weights in an ONNX file, checked before anything reads them: sizes against bytes, external files against the disk.

Nothing is allocated or copied here; a flipped byte in a shape would otherwise surface as a huge array much later.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import onnx

from slim.errors import Problem

MAX_ELEMENTS = 2**40
"""More elements than any file that slim could be asked to read; a bound against damaged dimensions."""

_BITS: dict[int, int] = {
    onnx.TensorProto.FLOAT: 32,
    onnx.TensorProto.UINT8: 8,
    onnx.TensorProto.INT8: 8,
    onnx.TensorProto.UINT16: 16,
    onnx.TensorProto.INT16: 16,
    onnx.TensorProto.INT32: 32,
    onnx.TensorProto.INT64: 64,
    onnx.TensorProto.BOOL: 8,
    onnx.TensorProto.FLOAT16: 16,
    onnx.TensorProto.DOUBLE: 64,
    onnx.TensorProto.UINT32: 32,
    onnx.TensorProto.UINT64: 64,
    onnx.TensorProto.COMPLEX64: 64,
    onnx.TensorProto.COMPLEX128: 128,
    onnx.TensorProto.BFLOAT16: 16,
    onnx.TensorProto.FLOAT8E4M3FN: 8,
    onnx.TensorProto.FLOAT8E4M3FNUZ: 8,
    onnx.TensorProto.FLOAT8E5M2: 8,
    onnx.TensorProto.FLOAT8E5M2FNUZ: 8,
    onnx.TensorProto.UINT4: 4,
    onnx.TensorProto.INT4: 4,
    onnx.TensorProto.FLOAT4E2M1: 4,
}
_FIELDS: dict[int, str] = {
    onnx.TensorProto.FLOAT: "float_data",
    onnx.TensorProto.DOUBLE: "double_data",
    onnx.TensorProto.INT64: "int64_data",
    onnx.TensorProto.UINT32: "uint64_data",
    onnx.TensorProto.UINT64: "uint64_data",
}


def tensor_problems(model: onnx.ModelProto, path: Path) -> list[Problem]:
    """Every weight whose shape, type and bytes do not fit together."""
    base = path.parent.resolve()
    problems = []
    for name, tensor in _tensors(model):
        what = _tensor_problem(tensor, base)
        if what:
            problems.append(Problem(what, f"{path}: tensor '{name}'", "the file is damaged or incomplete"))
    return problems


def _tensors(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    stack: list[onnx.GraphProto] = [model.graph]
    nodes = [node for function in model.functions for node in function.node]
    while stack or nodes:
        if stack:
            graph = stack.pop()
            yield from ((tensor.name, tensor) for tensor in graph.initializer)
            nodes.extend(graph.node)
            for sparse in graph.sparse_initializer:
                yield sparse.values.name, sparse.values
                yield sparse.values.name, sparse.indices
        while nodes:
            node = nodes.pop()
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield f"{node.name}.{attribute.name}", attribute.t
                yield from ((f"{node.name}.{attribute.name}", tensor) for tensor in attribute.tensors)
                if attribute.HasField("g"):
                    stack.append(attribute.g)
                stack.extend(attribute.graphs)


def _tensor_problem(tensor: onnx.TensorProto, base: Path) -> str:
    """What is wrong with one tensor, or an empty string."""
    if tensor.HasField("segment"):
        return "is stored in segments, which no current tool writes"
    if any(dim < 0 for dim in tensor.dims):
        return f"has a negative dimension {tuple(tensor.dims)}"
    count = math.prod(tensor.dims)
    if count > MAX_ELEMENTS:
        return f"has the impossible shape {tuple(tensor.dims)}"
    if tensor.data_type == onnx.TensorProto.STRING:
        return "" if len(tensor.string_data) == count else f"has {len(tensor.string_data)} strings for {count} elements"
    bits = _BITS.get(tensor.data_type)
    if bits is None:
        return f"has the unknown element type {tensor.data_type}"
    need = (count * bits + 7) // 8
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        return _external_problem(tensor, base, need)
    if tensor.HasField("raw_data"):
        have = len(tensor.raw_data)
        return "" if have == need else f"has {have} bytes where its shape {tuple(tensor.dims)} needs {need}"
    field = _FIELDS.get(tensor.data_type, "int32_data")
    if tensor.data_type in (onnx.TensorProto.COMPLEX64, onnx.TensorProto.COMPLEX128):
        return "is complex, which slim does not read"
    elements = (count + 1) // 2 if bits == 4 else count
    have = len(getattr(tensor, field))
    return "" if have == elements else f"has {have} elements where its shape {tuple(tensor.dims)} needs {elements}"


def _external_problem(tensor: onnx.TensorProto, base: Path, need: int) -> str:
    """External data must lie inside the model's folder and be long enough (ONNX external data specification)."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    if not location or "\0" in location:
        return "names no external file"
    file = (base / location).resolve()
    if not file.is_relative_to(base):
        return f"points outside the model's folder, to '{location}'"
    if not file.is_file():
        return f"needs the external file '{location}', which is not beside the model"
    try:
        offset, length = int(entries.get("offset") or 0), int(entries.get("length") or need)
    except ValueError:
        return "has an external offset or length that is not a number"
    if offset < 0 or length != need or offset + need > file.stat().st_size:
        return f"needs {need} bytes at {offset} of '{location}', which has {file.stat().st_size}"
    return ""
