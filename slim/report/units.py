"""Numbers as people read them: three significant digits and a unit."""

from __future__ import annotations


def _scaled(value: float, base: float, units: tuple[str, ...]) -> str:
    index = 0
    while index < len(units) - 1 and round(value) >= base:
        value /= base
        index += 1
    digits = f"{value:.3g}" if value < 999.5 else f"{value:.0f}"
    return f"{digits} {units[index]}".strip()


def bytes_text(value: float) -> str:
    """Powers of 1024: 512 B, 13.3 MiB."""
    return _scaled(value, 1024, ("B", "KiB", "MiB", "GiB", "TiB"))


def count_text(value: float) -> str:
    """Powers of 1000: 640, 12.5 M, 4.09 G."""
    return _scaled(value, 1000, ("", "k", "M", "G", "T"))


def seconds_text(value: float) -> str:
    """Microseconds up to seconds: 84 us, 94.7 ms, 1.2 s."""
    return _scaled(value * 1e6, 1000, ("us", "ms", "s"))


def counted(number: int, noun: str) -> str:
    """1 node, 2 nodes."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def share_text(part: float, whole: float) -> str:
    """A percentage without decimals; what would round to 0 is "<1 %"; a share of 0 is nothing."""
    if not whole:
        return ""
    return "<1 %" if 0 < part / whole <= 0.005 else f"{100 * part / whole:.0f} %"


def shape_text(shape: tuple[int, ...]) -> str:
    """1x3x224x224; a scalar is ()."""
    return "x".join(str(dim) for dim in shape) or "()"
