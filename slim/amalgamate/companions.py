"""The files beside the single file: an example, JavaScript, a Makefile, a page for whoever receives them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from slim.amalgamate.network import C_TYPES, Network, c_text, shape_text
from slim.amalgamate.targets import Compiler, Target
from slim.amalgamate.toolchain import export_flags
from slim.runtime import TensorInfo

_TYPE_LETTERS = {"float": "f", "uint16_t": "h", "int8_t": "b", "uint8_t": "B", "int32_t": "i", "int64_t": "q"}
_JS_ARRAYS = {
    "float": "Float32Array", "uint16_t": "Uint16Array", "int8_t": "Int8Array", "uint8_t": "Uint8Array",
    "int32_t": "Int32Array", "int64_t": "BigInt64Array",
}  # fmt: skip


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


def companion_file(name: str, network: Network) -> str:
    """The name of its file."""
    return f"{network.file}.mjs" if name == "network.mjs" else name


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
    exports = export_flags(network) if target.module else []
    return network.fill(
        "module.mk" if target.module else "Makefile",
        description=target.description,
        compiler=chosen.command,
        archiver=archiver,
        flags=shlex.join([*target.flags, *chosen.flags]),
        link=shlex.join([*target.link, *exports]),
        libs=shlex.join(target.libs),
        runner=shlex.join(target.runner) if target.module else runner,
    )


def _readme(network: Network, made: Made) -> str:
    contents = network.contents
    words = {
        "example.c": "runs the network on files and prints what it says",
        "network.mjs": "its interface for JavaScript",
        "example.mjs": "runs the network on files and prints what it says, in Node.js",
        "Makefile": f"builds `{network.file}.{made.target.module}`"
        if made.target.module
        else f"builds `lib{network.file}.a` and the example",
        "README.md": "this page",
    }
    target = made.target
    if target.module:
        clang = next((c.flags for c in target.compilers if c.command), ())
        plain = [*target.flags, *clang, *target.link, *export_flags(network), f"{network.file}.c", *target.libs,
                 "-o", f"{network.file}.{target.module}"]  # fmt: skip
    else:
        plain = [*target.flags, "example.c", f"{network.file}.c", *target.libs, "-o", "example"]
    return network.fill(
        "module.md" if target.module else "README.md",
        **_javascript(network),
        description=made.target.description,
        companions="\n".join(f"| `{companion_file(name, network)}` | {words[name]} |" for name in made.target.files),
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


def _network_mjs(network: Network, made: Made) -> str:
    return network.fill("network.mjs", **_javascript(network))


def _example_mjs(network: Network, made: Made) -> str:
    return network.fill("example.mjs")


def _javascript(network: Network) -> dict[str, str]:
    """What the templates for JavaScript say of the network."""
    first_input, first_output = network.contents.inputs[0], network.contents.outputs[0]
    separate = not network.embedded
    return {
        "input_rows": "\n".join(map(_javascript_row, network.contents.inputs)),
        "output_rows": "\n".join(map(_javascript_row, network.contents.outputs)),
        "first_input": _javascript_text(first_input.name),
        "first_output": _javascript_text(first_output.name),
        "first_type": _JS_ARRAYS[C_TYPES[str(first_input.dtype)]],
        "first_count": str(prod(first_input.shape)),
        "or_program": f"; `program`: those of {network.file}.slim" if separate else "",
        "program_argument": ", program" if separate else "",
        "open_words": "module, program" if separate else "module",
        "and_slim": f" and {network.file}.slim" if separate else "",
    }


def _javascript_row(tensor: TensorInfo) -> str:
    array = _JS_ARRAYS[C_TYPES[str(tensor.dtype)]]
    return (
        f"    {{ name: {_javascript_text(tensor.name)}, type: {array}, shape: {list(tensor.shape)}, "
        f"count: {prod(tensor.shape)}, scale: {float(tensor.scale)!r}, zeroPoint: {tensor.zero_point} }},"
    )


def _javascript_text(text: str) -> str:
    """A string literal, safe inside a comment."""
    return json.dumps(text).replace("*/", "*\\/")


_WRITERS: dict[str, Callable[[Network, Made], str]] = {
    "example.c": _example,
    "network.mjs": _network_mjs,
    "example.mjs": _example_mjs,
    "Makefile": _makefile,
    "README.md": _readme,
}
