"""The files beside the single file: an example that runs it, a Makefile, a page for whoever receives them."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from slim.amalgamate.network import C_TYPES, Network, c_text, shape_text
from slim.amalgamate.targets import Compiler, Target

_TYPE_LETTERS = {"float": "f", "uint16_t": "h", "int8_t": "b", "uint8_t": "B", "int32_t": "i", "int64_t": "q"}


@dataclass(frozen=True)
class Made:
    """What the page and the Makefile say about the build."""

    target: Target
    program_bytes: int
    model_sha256: str
    version: str


def companion(name: str, network: Network, made: Made) -> str:
    """The text of one of `targets.COMPANIONS`."""
    return _WRITERS[name](network, made)


def _example(network: Network, made: Made) -> str:
    buffers, rows, arguments = [], {"input": [], "output": []}, []  # type: ignore[var-annotated]
    for kind, index, tensor in network.ends:
        c_type = C_TYPES[str(tensor.dtype)]
        buffers.append(
            f"static {c_type} {kind}_{index}[{network.NAME}_{kind.upper()}_{index}_COUNT];   /* {shape_text(tensor)} */"
        )
        fields = (
            c_text(tensor.name), f"{kind}_{index}", str(prod(tensor.shape)), f"sizeof {kind}_{index}",
            f"'{_TYPE_LETTERS[c_type]}'", f"{float(tensor.scale)!r}f", str(tensor.zero_point),
        )  # fmt: skip
        rows[kind].append(f"    {{{', '.join(fields)}}},")
        arguments.append(f"{kind}_{index}")
    return network.fill(
        "example.c",
        inputs="; ".join(shape_text(tensor) for tensor in network.contents.inputs),
        buffers="\n".join(buffers),
        input_rows="\n".join(rows["input"]),
        output_rows="\n".join(rows["output"]),
        buffer_arguments=", ".join(arguments),
    )


def _makefile(network: Network, made: Made) -> str:
    target = made.target
    compiler = next((c for c in target.compilers if c.command), Compiler(command="cc"))
    cross = next((c for c in target.compilers if c.command and not c.native), compiler)
    chosen = cross if target.runner else compiler
    archiver = chosen.command.removesuffix("gcc") + "ar" if chosen.command.endswith("-gcc") else "ar"
    runner = f": make run RUN={shlex.quote(shlex.join(target.runner))}" if target.runner else ""
    return network.fill(
        "Makefile",
        description=target.description,
        compiler=chosen.command,
        archiver=archiver,
        flags=shlex.join([*target.flags, *chosen.flags]),
        link=shlex.join(target.link),
        libs=shlex.join(target.libs),
        runner=runner,
    )


def _readme(network: Network, made: Made) -> str:
    contents = network.contents
    words = {
        "example.c": "runs the network on files and prints what it says",
        "Makefile": f"builds `lib{network.file}.a` and the example",
        "README.md": "this page",
    }
    plain = [*made.target.flags, "example.c", f"{network.file}.c", *made.target.libs, "-o", "example"]
    return network.fill(
        "README.md",
        description=made.target.description,
        companions="\n".join(f"| `{name}` | {words[name]} |" for name in made.target.files),
        plain_command=shlex.join(plain),
        table="\n".join(
            f"| `{kind}_{i}` | {shape_text(tensor)} | {prod(tensor.shape)} |" for kind, i, tensor in network.ends
        ),
        program_bytes=str(made.program_bytes),
        arena_bytes=str(contents.arena_bytes),
        isas=", ".join(made.target.isas),
        operators=", ".join(op.name for op in contents.selection.operators),
        version=made.version,
        model=f"model SHA-256 `{made.model_sha256}`" if made.model_sha256 else "model not named",
    )


_WRITERS: dict[str, Callable[[Network, Made], str]] = {
    "example.c": _example,
    "Makefile": _makefile,
    "README.md": _readme,
}
