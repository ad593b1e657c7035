"""Programs of one operator: arrays in, arrays out, through the same core that models run on.

Every run happens with one thread and with three, and both must agree in every bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from slim.core.format import Type
from slim.lower.program import NUMPY_TYPES, ProgramBuilder
from slim.runtime import Session

rng = np.random.default_rng(7)
WINDOW = (
    "kernel_h",
    "kernel_w",
    "stride_h",
    "stride_w",
    "dilation_h",
    "dilation_w",
    "pad_top",
    "pad_left",
    "pad_bottom",
    "pad_right",
)


@dataclass(frozen=True)
class Given:
    """An input: of the program, or a constant in it; with scale and zero point where it is quantized."""

    array: np.ndarray
    constant: bool = False
    scale: float = 0.0
    zero_point: int = 0


Operand = np.ndarray | Given | None


def constant(array: np.ndarray) -> Given:
    """An array that travels with the program."""
    return Given(array, constant=True)


def floats(*shape: int, scale: float = 1.0) -> np.ndarray:
    """Normally distributed fp32."""
    return (rng.normal(size=shape) * scale).astype(np.float32)


def integers(low: int, high: int, *shape: int, dtype: type = np.uint8) -> np.ndarray:
    """Uniform integers from low to high, both included."""
    return rng.integers(low, high + 1, shape).astype(dtype)


def window(
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    pads: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> dict[str, int]:
    """The ten attributes of a window; pads are top, left, bottom, right as in ONNX."""
    return dict(zip(WINDOW, (*kernel, *stride, *dilation, *pads), strict=True))


def program(
    kind: str,
    operands: Sequence[Operand],
    types: Sequence[Type],
    attributes: Mapping[str, int | float],
    scale: float = 0.0,
    zero_point: int = 0,
) -> tuple[bytes, dict[str, np.ndarray]]:
    """The program's bytes and what to feed it. Its outputs are y0, y1, ..."""
    builder = ProgramBuilder()
    feeds: dict[str, np.ndarray] = {}
    tensors: list[int | None] = []
    for operand in operands:
        if operand is None:
            tensors.append(None)
            continue
        given = operand if isinstance(operand, Given) else Given(operand)
        quantization = {"scale": given.scale, "zero_point": given.zero_point}
        if given.constant:
            tensors.append(builder.constant(given.array, **quantization))
            continue
        name = f"x{len(feeds)}"
        tensors.append(builder.input(name, NUMPY_TYPES[given.array.dtype], given.array.shape, **quantization))
        feeds[name] = given.array
    if not feeds:  # every program has an input
        builder.input("unused", Type.U8, (1,))
        feeds["unused"] = np.zeros(1, np.uint8)
    names = [f"y{i}" for i in range(len(types))]
    outputs = builder.operator_n(kind, tensors, types, attributes, names=names, scale=scale, zero_point=zero_point)
    return bytes(builder.finish(outputs)), feeds


def run_all(
    kind: str,
    operands: Sequence[Operand],
    types: Sequence[Type] = (Type.F32,),
    attributes: Mapping[str, int | float] | None = None,
    scale: float = 0.0,
    zero_point: int = 0,
) -> list[np.ndarray]:
    """Every output of the operator."""
    image, feeds = program(kind, operands, types, attributes or {}, scale, zero_point)
    results = []
    for threads in (1, 3):
        session = Session(image, threads=threads)
        results.append([session.run(feeds)[f"y{i}"] for i in range(len(types))])
        session.close()
    for one, three in zip(*results, strict=True):
        np.testing.assert_array_equal(one, three)
    return results[0]


def run(
    kind: str,
    operands: Sequence[Operand],
    type: Type = Type.F32,
    attributes: Mapping[str, int | float] | None = None,
    scale: float = 0.0,
    zero_point: int = 0,
) -> np.ndarray:
    """The only output of the operator."""
    return run_all(kind, operands, (type,), attributes, scale, zero_point)[0]
