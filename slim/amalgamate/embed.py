"""A program's bytes as a C array, written as string literals.

A compiler reads a string some ten times faster than a list of numbers, and C and C++ both take one for an array of
unsigned char. What must not stand as itself is written in octal, as short as the next byte allows.
"""

from __future__ import annotations

from functools import cache

import numpy as np

_LINE = 64  # bytes of data in a line of text
_CHUNK = _LINE * 4096


def c_array(name: str, data: bytes | bytearray | memoryview, alignment: int = 64) -> str:
    """The definition of `static const unsigned char name[]`, aligned, with one zero byte after the data."""
    head = f"static const unsigned char {name}[{len(data)}ul + 1] __attribute__((aligned({alignment}))) =\n"
    return head + c_string(data) + ";\n"


def c_string(data: bytes | bytearray | memoryview) -> str:
    """The bytes as adjacent string literals, a line each."""
    values = np.frombuffer(data, np.uint8)
    return "".join(_literals(values[at : at + _CHUNK]) for at in range(0, len(values), _CHUNK)).rstrip("\n") or '""'


def _literals(values: np.ndarray) -> str:
    text, lengths, short = _table()
    index = values.astype(np.int64)
    next_is_digit = np.zeros(len(values), bool)
    next_is_digit[:-1] = (values[1:] >= ord("0")) & (values[1:] <= ord("9"))
    next_is_digit[_LINE - 1 :: _LINE] = False  # a literal ends before it
    index += 256 * (short[values] & next_is_digit)
    # a line is '"', its bytes, '"\n'
    padding = -len(values) % _LINE
    index = np.concatenate([index, np.full(padding, -1)]).reshape(-1, _LINE)
    rows = len(index)
    cells = np.full((rows, _LINE + 2, 4), ord('"'), np.uint8)
    keep = np.zeros((rows, _LINE + 2, 4), bool)
    cells[:, 1:-1] = text[index]
    keep[:, 1:-1] = np.arange(4) < np.where(index < 0, 0, lengths[index])[..., None]
    keep[:, 0, 0] = keep[:, -1, 0] = keep[:, -1, 1] = True
    cells[:, -1, 1] = ord("\n")
    return cells[keep].tobytes().decode("ascii")


@cache
def _table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each byte's text: [512][4] characters (the second half for use before a digit), lengths, and which are short."""
    words = [_escape(value, full=False) for value in range(256)] + [_escape(value, full=True) for value in range(256)]
    text = np.frombuffer("".join(word.ljust(4) for word in words).encode("ascii"), np.uint8).reshape(512, 4)
    lengths = np.array([len(word) for word in words])
    short = np.array([word[0] == "\\" and word[1].isdigit() and len(word) < 4 for word in words[:256]])
    return text, lengths, short


def _escape(value: int, *, full: bool) -> str:
    character = chr(value)
    if character in '"\\?':  # two question marks may begin a trigraph
        return "\\" + character
    if 32 <= value < 127:
        return character
    return f"\\{value:03o}" if full else f"\\{value:o}"
