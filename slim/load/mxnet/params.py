"""MXNet `.params` files as named arrays that lie in the mapped file: nothing is copied.

Layout, little-endian (apache/mxnet, src/ndarray/ndarray.cc, `NDArray::Save/Load/LegacyLoad`): u64 magic 0x112, u64 0,
u64 count, arrays, u64 name count (0 or count), names (u64 length, bytes). An array is one of

- V2 0xF993FAC9 and V3 0xF993FACA: i32 storage type, shape, context, type, data;
- V1 0xF993FAC8: shape, context, type, data;
- legacy: u32 rank, u32 dims, context, type, data.

The shape of V1 to V3 is i32 rank, i64 dims; the context is two i32; the type an i32.
"""

from __future__ import annotations

import math
import mmap
import struct
from pathlib import Path
from typing import Any

import numpy as np

from slim.errors import LoadError, Problem
from slim.load.foreign import foreign

LIST_MAGIC = 0x112
V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
MAX_RANK = 32
DTYPES: dict[int, np.dtype[Any]] = {
    0: np.dtype("<f4"),
    1: np.dtype("<f8"),
    2: np.dtype("<f2"),
    3: np.dtype("u1"),
    4: np.dtype("<i4"),
    5: np.dtype("i1"),
    6: np.dtype("<i8"),
}
"""mshadow's type flags."""


def read_params(path: Path) -> list[tuple[str, np.ndarray]]:
    """(name, array) in file order, with `arg:` and `aux:` taken off; the name is '' in a file without names.

    Raises `LoadError` on bytes that are not such a file."""
    with foreign(str(path), "cannot be read"), path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        return _Reader(data).arrays()
    except _DamageError as damage:
        do = "the file is damaged or incomplete, or not an MXNet params file"
        raise LoadError(Problem(str(damage), f"{path}: byte {damage.offset}", do)) from damage


class _DamageError(Exception):
    """Bytes that do not fit the format, and where."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(what)
        self.offset = offset


class _Reader:
    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 0

    def arrays(self) -> list[tuple[str, np.ndarray]]:
        magic, _ = self._take("QQ")
        if magic != LIST_MAGIC:
            raise _DamageError(f"begins with 0x{magic:x}, not 0x{LIST_MAGIC:x}", 0)
        arrays = [self._array() for _ in range(self._count(4))]
        names = [self._name() for _ in range(self._count(8))]
        if names and len(names) != len(arrays):
            raise _DamageError(f"{len(names)} names for {len(arrays)} arrays", self.at)
        if len(set(names)) != len(names):
            raise _DamageError("two arrays have the same name", self.at)
        return list(zip(names or [""] * len(arrays), arrays, strict=True))

    def _take(self, layout: str) -> tuple[int, ...]:
        size = struct.calcsize("<" + layout)
        if self.at + size > len(self.data):
            raise _DamageError("the file ends too early", self.at)
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += size
        return values

    def _count(self, least: int) -> int:
        """A number of items of at least `least` bytes each, which must fit in what is left of the file."""
        (count,) = self._take("Q")
        if count * least > len(self.data) - self.at:
            raise _DamageError(f"{count} items cannot fit in the rest of the file", self.at)
        return count

    def _name(self) -> str:
        length = self._count(1)
        start, self.at = self.at, self.at + length
        try:
            name = self.data[start : self.at].decode()
        except UnicodeDecodeError as error:
            raise _DamageError("a name is not UTF-8", start) from error
        return name.removeprefix("arg:").removeprefix("aux:")

    def _array(self) -> np.ndarray:
        start = self.at
        (magic,) = self._take("I")
        if magic in (V2, V3):
            (storage,) = self._take("i")
            if storage != 0:
                raise _DamageError(f"a sparse or unknown storage type, {storage}", start)
        if magic in (V1, V2, V3):
            dims = self._dims("i", "q")
        else:
            self.at = start
            dims = self._dims("I", "I")
        if dims is None or (not dims and magic != V3):  # only numpy semantics (V3) knows scalars
            return np.zeros(0, np.float32)
        *_, flag = self._take("iii")
        dtype = DTYPES.get(flag)
        if dtype is None:
            raise _DamageError(f"unknown element type {flag}", start)
        count = math.prod(dims)
        if self.at + count * dtype.itemsize > len(self.data):
            raise _DamageError(f"an array of shape {dims} does not fit in the rest of the file", start)
        array: np.ndarray = np.frombuffer(self.data, dtype, count, self.at).reshape(dims)
        self.at += count * dtype.itemsize
        return array

    def _dims(self, rank_layout: str, dim_layout: str) -> tuple[int, ...] | None:
        """The shape, or None for an array that was never given one (rank -1 in V3)."""
        (rank,) = self._take(rank_layout)
        if rank == -1:
            return None
        if not 0 <= rank <= MAX_RANK:
            raise _DamageError(f"an array of rank {rank}", self.at)
        dims = self._take(f"{rank}{dim_layout}") if rank else ()
        if any(dim < 0 for dim in dims):
            raise _DamageError(f"an array of shape {dims}", self.at)
        return dims
