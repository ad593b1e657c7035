"""The shape that MXNet's Reshape codes give (src/operator/tensor/matrix_op-inl.h, `InferReshapeShape`)."""

from __future__ import annotations

import math

from slim.load.mxnet.attributes import UntranslatableError
from slim.load.mxnet.node import Shape


def reshaped(shape: Shape, codes: Shape, reverse: bool = False) -> Shape:
    """The result of reshaping `shape` by `codes`, which read it from the left (from the right with `reverse`):

    n > 0 is a size; 0 copies a dim; -1 is what is left; -2 copies all that remain; -3 merges two; -4 a b splits one
    (with `reverse` the codes too are read from the right, so it is written b a -4)."""
    given = shape[::-1] if reverse else shape
    order = codes[::-1] if reverse else codes
    result: list[int] = []
    at = index = 0
    try:
        while index < len(order):
            code = order[index]
            if code == -2:
                result += given[at:]
                at = len(given)
            elif code == -3:
                result.append(given[at] * given[at + 1])
                at += 2
            elif code == -4:
                a, b = order[index + 1], order[index + 2]
                a, b = (given[at] // b, b) if a == -1 else (a, given[at] // a) if b == -1 else (a, b)
                if a * b != given[at]:
                    raise UntranslatableError(f"it splits {given[at]} into {a} x {b}")
                result += [a, b]
                at += 1
                index += 2
            else:
                result.append(given[at] if code == 0 else code)
                at += 1
            index += 1
    except (IndexError, ZeroDivisionError) as error:
        raise UntranslatableError(f"its shape {codes} does not fit {shape}") from error
    rest = math.prod(size for size in result if size != -1)
    if result.count(-1) == 1 and rest > 0:
        result[result.index(-1)] = math.prod(shape) // rest
    if any(size < 1 for size in result) or math.prod(result) != math.prod(shape):
        raise UntranslatableError(f"its shape {codes} does not fit {shape}")
    return tuple(result[::-1] if reverse else result)
