"""The ordered list of the core's C files: the library and the single file are both made from it.

Paths are relative to `slim/core`. A kernel file is compiled once for each instruction set by `isa/ISA.c`, which
includes the vector words of that set and then every kernel that is selected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slim.core.operators import OPERATORS, Operator

CORE = Path(__file__).resolve().parent

HEADERS = (
    "base/config.h",
    "include/slim.h",
    "include/slim_format.h",
    "base/internal.h",
    "include/slim_selection.h",
    "kernels/kernels.h",
    "threads/pool.h",
)

RUNTIME = (
    "base/tensor.c",
    "program/reader.c",
    "session/prepare.c",
    "session/plan.c",
    "session/widen.c",
    "session/session.c",
    "session/access.c",
    "session/create.c",
    "threads/pool.c",
)

ISA_END = ("isa/table.h", "isa/end.h")

TABLES = ("isa/select.c", "ops/table.c")

LIBRARY_ONLY = ("peak/peak.c", "program/load.c", "session/plan_for.c", "session/run_on.c")

# instruction sets of each processor family, as compilers define them; the first needs no more than the baseline
ISAS = {
    "x86_64": ("plain", "avx2", "avxvnni", "avx512", "avx512vnni"),
    "aarch64": ("neon", "neondot"),
    "armv7": ("plain", "neon"),
    "wasm": ("plain", "wasm"),
    "any": ("plain",),
}

EXTENDS = {"avxvnni": ("avx2", ("gemm_u8", "depthwise_u8"))}
"""Sets that share all kernels but these with another in a single file that has both (SLIM_KERNEL of `isa/table.h`)."""


@dataclass(frozen=True)
class Unit:
    """One translation unit of the library."""

    source: Path  # relative to CORE
    defines: tuple[str, ...] = ()


def _slides(op: Operator, attributes: Mapping[str, float]) -> bool:
    wanted = {"kernel_w": 3, "stride_w": 1, "dilation_w": 1, "groups": 1}
    return op.name == "conv_u8" and all(attributes[key] == value for key, value in wanted.items())


def _winograd_u8(op: Operator, attributes: Mapping[str, float]) -> bool:
    wanted = {"kernel_h": 3, "stride_h": 1, "dilation_h": 1}
    return _slides(op, attributes) and all(attributes[key] == value for key, value in wanted.items())


def _depthwise_window(op: Operator, attributes: Mapping[str, float]) -> int | None:
    """The side of a depthwise convolution's window, 0 for one without kernels of its own; None for other operators."""
    if not any("depthwise" in kernel for kernel in op.kernels):
        return None
    side, stride = attributes["kernel_h"], attributes["stride_h"]
    square = side == attributes["kernel_w"] and stride == attributes["stride_w"]
    dilated = attributes["dilation_h"] != 1 or attributes["dilation_w"] != 1
    return int(side) if square and side in (3, 5) and stride <= 2 and not dilated else 0


def _depthwise_5(op: Operator, attributes: Mapping[str, float]) -> bool:
    return _depthwise_window(op, attributes) == 5


def _depthwise_any(op: Operator, attributes: Mapping[str, float]) -> bool:
    return _depthwise_window(op, attributes) == 0


def _conv_windows(op: Operator, attributes: Mapping[str, float]) -> bool:
    if op.name not in ("conv_f32", "conv_u8"):
        return False
    pads = any(attributes[f"pad_{side}"] for side in ("top", "left", "bottom", "right"))
    return pads or any(attributes[f"{what}_{axis}"] != 1 for what in ("kernel", "stride") for axis in "hw")


def _pool_largest(op: Operator, attributes: Mapping[str, float]) -> bool:
    return op.name == "max_pool"


def _pool_three(op: Operator, attributes: Mapping[str, float]) -> bool:
    wanted = op.name == "average_pool_f32" and attributes["kernel_w"] == 3
    return wanted and attributes["stride_w"] == attributes["dilation_w"]


PARTS: dict[str, Callable[[Operator, Mapping[str, float]], bool]] = {
    "slide_u8": _slides,
    "winograd_u8": _winograd_u8,
    "depthwise_5": _depthwise_5,
    "depthwise_any": _depthwise_any,
    "conv_windows": _conv_windows,
    "pool_largest": _pool_largest,
    "pool_three": _pool_three,
}
"""Kernels, or parts of some (SLIM_HAS_...), that only certain attributes reach, and whether an operator with them does.
A single file leaves out what its network does not reach."""


@dataclass(frozen=True)
class Selection:
    """The operators of a build, and what they pull in, each in the order of the tables."""

    operators: tuple[Operator, ...]
    without: frozenset[str] = frozenset()  # of PARTS

    @property
    def kernels(self) -> tuple[str, ...]:
        kernels = dict.fromkeys(kernel for op in self.operators for kernel in op.kernels)
        return tuple(kernel for kernel in kernels if kernel not in self.without)

    @property
    def helpers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(helper for op in self.operators for helper in op.helpers))


def select(names: Iterable[str] | None = None, without: Iterable[str] = ()) -> Selection:
    """The selection of these operators `without` some of PARTS; where `names` is None, of all that have a file."""
    if names is None:
        return Selection(tuple(op for op in OPERATORS.values() if (CORE / "ops" / f"{op.name}.c").exists()))
    wanted = set(names)
    return Selection(tuple(op for op in OPERATORS.values() if op.name in wanted), frozenset(without))


def selection_header(selection: Selection, isas: Iterable[str]) -> str:
    """The text of `include/slim_selection.h`: which operators, kernels and instruction sets a build holds."""
    from slim.core.operators import OPERATORS

    parts = [part for part in PARTS if part not in {kernel for op in OPERATORS.values() for kernel in op.kernels}]
    every_kernel = dict.fromkeys(kernel for op in OPERATORS.values() for kernel in op.kernels)
    lines = [
        "/* What this build holds. Generated by `python -m slim.core.manifest`; do not edit. */",
        "#ifndef SLIM_SELECTION_H",
        "#define SLIM_SELECTION_H",
        *(f"#define SLIM_HAS_KERNEL_{kernel.upper()} {int(kernel in selection.kernels)}" for kernel in every_kernel),
        *(f"#define SLIM_HAS_{part.upper()} {int(part not in selection.without)}" for part in parts),
        *(f"#define SLIM_HAS_ISA_{isa.upper()} 1" for isa in isas),
        "#define SLIM_OPERATORS(X) \\",
        *(f"    X({op.name}) \\" for op in selection.operators),
        "",
        "#endif",
        "",
    ]
    return "\n".join(lines)


def kernels_of(isa: str, selection: Selection, isas: Sequence[str]) -> tuple[str, ...]:
    """The kernels that a single file with all of `isas` compiles for one of them."""
    base, own = EXTENDS.get(isa, ("", ()))
    return tuple(kernel for kernel in selection.kernels if base not in isas or kernel in own)


def without_copies(selection: Selection, isas: Iterable[str]) -> tuple[str, ...]:
    """`isas` in the order of ISAS, without those whose kernels would all be another's."""
    order = dict.fromkeys(isa for family in ISAS.values() for isa in family)
    kept = [isa for isa in order if isa in set(isas)]
    return tuple(isa for isa in kept if isa not in EXTENDS or kernels_of(isa, selection, kept))


def library_units(family: str) -> list[Unit]:
    """The translation units of the complete library for a processor family."""
    selection = select()
    sources = [
        *RUNTIME,
        *(f"ops/{helper}.c" for helper in selection.helpers),
        *(f"ops/{op.name}.c" for op in selection.operators),
        *(f"isa/{isa}.c" for isa in ISAS[family]),
        *TABLES,
        *(LIBRARY_ONLY if family != "wasm" else ()),  # which no Python loads
    ]
    isas = tuple(f"SLIM_HAS_ISA_{isa.upper()}=1" for isa in ISAS[family])
    return [Unit(Path(source), isas) for source in sources]


def single_file_order(selection: Selection, isas: Sequence[str]) -> list[str]:
    """The files of a single file in their order. Those of `isa/` and `kernels/` come once for each instruction set;
    headers that only some files need are not named: they go where they are first included."""
    vectors = [
        path
        for isa in isas
        for path in (f"isa/{isa}.h", *(f"kernels/{name}.c" for name in kernels_of(isa, selection, isas)), *ISA_END)
    ]
    return [
        *HEADERS,
        *RUNTIME,
        *(f"ops/{helper}.c" for helper in selection.helpers),
        *(f"ops/{op.name}.c" for op in selection.operators),
        *vectors,
        *TABLES,
    ]


if __name__ == "__main__":
    print(selection_header(select(), ()), end="")
