"""Writing a `.slim` program: tensors and operators are appended in order, `finish` lays the sections out.

The only writer of the format that `slim.core.format` describes. Constants with the same bytes are stored once.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from slim.core import format as fmt
from slim.core.format import Kind, Type
from slim.core.operators import OPERATORS
from slim.errors import Problem, UnsupportedError
from slim.lower.storage import halved

NUMPY_TYPES = {
    np.dtype(np.float32): Type.F32,
    np.dtype(np.uint8): Type.U8,
    np.dtype(np.int8): Type.I8,
    np.dtype(np.int32): Type.I32,
    np.dtype(np.int64): Type.I64,
    np.dtype(np.bool_): Type.BOOL,
    np.dtype(np.float16): Type.F16,
}


@dataclass(frozen=True)
class _Tensor:
    type: Type
    kind: Kind
    name: str
    dims: tuple[int, ...]
    scale: float
    zero_point: int
    data: int  # index of the constant's bytes, -1 where it has none


@dataclass(frozen=True)
class _Operator:
    name: str
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    attributes: bytes


class ProgramBuilder:
    """Collects tensors and operators; each method returns the number of the tensor that it made."""

    def __init__(self, model_name: str = "", weights: str = "fp32") -> None:
        self.model_name = model_name
        self.weights = weights  # how float weights are stored: see storage.py
        self._tensors: list[_Tensor] = []
        self._operators: list[_Operator] = []
        self._blobs: list[np.ndarray] = []
        self._blob_of: dict[tuple[int, bytes], int] = {}

    @property
    def operators(self) -> tuple[str, ...]:
        """The kinds of operators used so far, each once, in the order of their first use."""
        return tuple(dict.fromkeys(operator.kind for operator in self._operators))

    def type_of(self, tensor: int) -> Type:
        """The element type of a tensor in a session, where constants of 16-bit floats are fp32."""
        stored = self._tensors[tensor].type
        return Type.F32 if stored in (Type.F16, Type.BF16) and self._tensors[tensor].kind is Kind.CONSTANT else stored

    def quantization_of(self, tensor: int) -> tuple[float, int]:
        """Scale and zero point of a tensor; the scale is 0 where it is not quantized."""
        return self._tensors[tensor].scale, self._tensors[tensor].zero_point

    def constant(
        self, array: np.ndarray, name: str = "", *, type: Type | None = None, scale: float = 0.0, zero_point: int = 0
    ) -> int:
        """A tensor whose bytes travel with the program. `type` overrides the array's own (bf16 as uint16)."""
        array = np.asarray(array, order="C")
        half = halved(array, self.weights) if type is None else None
        if half is not None:
            array, type = half
        element = type if type is not None else NUMPY_TYPES[array.dtype]
        blob = array.reshape(-1).view(np.uint8)
        key = (blob.nbytes, hashlib.blake2b(blob.data, digest_size=16).digest())
        if key not in self._blob_of:
            self._blob_of[key] = len(self._blobs)
            self._blobs.append(blob)
        return self._add(_Tensor(element, Kind.CONSTANT, name, array.shape, scale, zero_point, self._blob_of[key]))

    def input(self, name: str, type: Type, shape: Sequence[int], *, scale: float = 0.0, zero_point: int = 0) -> int:
        """An input of the program with its default shape."""
        return self._add(_Tensor(type, Kind.INPUT, name, tuple(shape), scale, zero_point, -1))

    def operator(
        self,
        kind: str,
        inputs: Sequence[int | None],
        type: Type,
        attributes: Mapping[str, int | float] | None = None,
        *,
        name: str = "",
        scale: float = 0.0,
        zero_point: int = 0,
    ) -> int:
        """An operator with one output of this type and quantization."""
        return self.operator_n(kind, inputs, (type,), attributes, names=(name,), scale=scale, zero_point=zero_point)[0]

    def operator_n(
        self,
        kind: str,
        inputs: Sequence[int | None],
        types: Sequence[Type],
        attributes: Mapping[str, int | float] | None = None,
        *,
        names: Sequence[str] = ("",),
        scale: float = 0.0,
        zero_point: int = 0,
    ) -> tuple[int, ...]:
        """An operator with several outputs. Attributes are given by name, all of them."""
        given = dict(attributes or {})
        codes = OPERATORS[kind].attributes
        if set(given) != {a.name for a in codes}:
            raise ValueError(f"{kind} takes {[a.name for a in codes]}, not {sorted(given)}")
        packed = b"".join(
            struct.pack("<" + a.code, float(given[a.name]) if a.code == "f" else int(given[a.name])) for a in codes
        )
        outputs = tuple(
            self._add(_Tensor(t, Kind.ACTIVATION, names[min(i, len(names) - 1)], (), scale, zero_point, -1))
            for i, t in enumerate(types)
        )
        numbers = tuple(fmt.NO_TENSOR if tensor is None else tensor for tensor in inputs)
        self._operators.append(_Operator(names[0], kind, numbers, outputs, packed))
        return outputs

    def _add(self, tensor: _Tensor) -> int:
        if (rank := len(tensor.dims)) > fmt.MAX_RANK:
            what = f"has {rank} dimensions; the core takes up to {fmt.MAX_RANK}"
            raise UnsupportedError(Problem(what, f"value {tensor.name!r}", "merge some of them"))
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def is_fixed(self, tensor: int) -> bool:
        """Whether a tensor is an input or a constant, whose name is taken."""
        return self._tensors[tensor].kind is not Kind.ACTIVATION

    def rename(self, tensor: int, name: str) -> None:
        """Give a tensor the name under which the outside knows it."""
        old = self._tensors[tensor]
        self._tensors[tensor] = _Tensor(old.type, old.kind, name, old.dims, old.scale, old.zero_point, old.data)

    def finish(self, outputs: Sequence[int]) -> bytearray:
        """The program's bytes, with these tensors as its outputs."""
        return _Layout(self._tensors, self._operators, self._blobs, self.model_name, outputs).bytes()


class _Text:
    """The text section: each name once, the empty one at 0."""

    def __init__(self) -> None:
        self.bytes = bytearray(b"\0")
        self._at = {"": 0}

    def add(self, name: str) -> int:
        if name not in self._at:
            self._at[name] = len(self.bytes)
            self.bytes += name.encode("utf-8", "replace").replace(b"\0", b"?") + b"\0"
        return self._at[name]


def _align(offset: int, alignment: int = fmt.ALIGNMENT) -> int:
    return -(-offset // alignment) * alignment


class _Layout:
    """Offsets of everything, then everything at its offset."""

    def __init__(
        self,
        tensors: Sequence[_Tensor],
        operators: Sequence[_Operator],
        blobs: Sequence[np.ndarray],
        model_name: str,
        outputs: Sequence[int],
    ) -> None:
        inputs = [i for i, tensor in enumerate(tensors) if tensor.kind is Kind.INPUT]
        self.blobs = blobs
        text = _Text()
        self.blob_at: list[int] = []
        end = 0
        for blob in blobs:
            self.blob_at.append(_align(end))
            end = self.blob_at[-1] + blob.nbytes
        words = bytearray(struct.pack(f"<{len(inputs) + len(outputs)}I", *inputs, *outputs))
        tensor_records = b"".join(self._tensor(tensor, text) for tensor in tensors)
        operator_records = b"".join(self._operator(operator, text, words) for operator in operators)
        name_at = text.add(model_name)
        at = fmt.layout(fmt.HEADER).size
        self.sections: list[tuple[int, bytes]] = []
        offsets = []
        for section in (tensor_records, operator_records, bytes(words), bytes(text.bytes)):
            at = _align(at, 8)
            offsets.append(at)
            self.sections.append((at, section))
            at += len(section)
        self.data = _align(at)
        self.size = self.data + end
        header = fmt.layout(fmt.HEADER).pack(
            fmt.MAGIC, fmt.VERSION, self.size, len(tensors), len(operators), len(inputs), len(outputs),
            *offsets[:3], len(words) // 4, offsets[3], len(text.bytes), self.data, end, name_at, 0,
        )  # fmt: skip
        self.sections.insert(0, (0, header))

    def _tensor(self, tensor: _Tensor, text: _Text) -> bytes:
        dims = [*tensor.dims, *[1] * (fmt.MAX_RANK - len(tensor.dims))]
        data = self.blob_at[tensor.data] if tensor.data >= 0 else 0
        return fmt.layout(fmt.TENSOR).pack(
            tensor.type,
            len(tensor.dims),
            tensor.kind,
            0,
            text.add(tensor.name),
            *dims,
            tensor.scale,
            tensor.zero_point,
            data,
        )

    @staticmethod
    def _operator(operator: _Operator, text: _Text, words: bytearray) -> bytes:
        tensors_at = len(words) // 4
        words += struct.pack(f"<{len(operator.inputs) + len(operator.outputs)}I", *operator.inputs, *operator.outputs)
        attributes_at = len(words) // 4
        words += operator.attributes
        return fmt.layout(fmt.OPERATOR).pack(
            OPERATORS[operator.kind].code, len(operator.inputs), len(operator.outputs), tensors_at, attributes_at,
            len(operator.attributes) // 4, text.add(operator.name),
        )  # fmt: skip

    def bytes(self) -> bytearray:
        out = bytearray(self.size)
        for at, section in self.sections:
            out[at : at + len(section)] = section
        view = np.frombuffer(out, np.uint8)
        for at, blob in zip(self.blob_at, self.blobs, strict=True):
            start = self.data + at
            view[start : start + blob.nbytes] = blob
        return out
