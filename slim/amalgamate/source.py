"""The text of the single file and of its header: the core, the network's own functions, the program.

Nothing here depends on the time, the machine or a path: the same program gives the same bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from slim.amalgamate.embed import c_array
from slim.amalgamate.network import Network, shape_text
from slim.amalgamate.splice import banner, splice
from slim.core.manifest import CORE, selection_header, single_file_order

_SWITCHES = """\
#define SLIM_SINGLE_FILE 1
#define SLIM_INTERNAL static __attribute__((unused))
/* -DSLIM_PRIVATE: the linker sees this network's own functions only, so that several such files fit one program. */
#if defined(SLIM_PRIVATE) && !defined(SLIM_API)
#define SLIM_API static __attribute__((unused))
#endif
%s/* g++ warns of variables inside its own AVX-512 header (GCC bug 105593). */
#if defined(__cplusplus) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

"""

_SMALL = """\
/* Fewer and smaller tiles in the kernels, and gcc compiles for size; -DSLIM_SMALL=0: as without --optimize size. */
#ifndef SLIM_SMALL
#define SLIM_SMALL 1
#endif
"""

_LICENCE = """\
 * Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except in compliance with
 * the License. You may obtain a copy of the License at http://www.apache.org/licenses/LICENSE-2.0. Unless required by
 * applicable law or agreed to in writing, software distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. SPDX-License-Identifier: Apache-2.0
 * The weights remain under the model's own licence.
"""


@dataclass(frozen=True)
class Origin:
    """Where a single file comes from, for its head."""

    version: str
    model_sha256: str  # "" where it is not known


def header_text(network: Network) -> str:
    """NAME.h: slim.h, then the network's own functions."""
    slim_h = (CORE / "include" / "slim.h").read_text(encoding="utf-8")
    return f"{banner('Begin file slim.h')}{slim_h}{banner('End of slim.h')}\n{network.fill('network.h')}"


def source_text(
    network: Network, isas: tuple[str, ...], family: str, program: bytes, origin: Origin, *, small: bool = False
) -> str:
    """NAME.c: everything, with the program's bytes in it where the network is embedded. `small`: code for size."""
    selection = network.contents.selection
    instead = {"include/slim_selection.h": selection_header(selection, isas)}
    parts = [
        _head(network, isas, program, origin),
        _SWITCHES % (_SMALL if small else ""),
        _guard(network.file, family),
        splice(single_file_order(selection, isas), instead),
    ]
    if network.embedded:
        parts += [f"/* {network.file}.slim: the weights and the list of operators. */\n", _program(network, program)]
    parts += [
        banner(f"Begin the functions of {network.file}"),
        network.fill("network.h"),
        network.fill("network.c"),
        banner(f"End of {network.file}.c"),
    ]
    return "".join(parts)


def _program(network: Network, program: bytes) -> str:
    return c_array(f"{network.name}_program_bytes", program) + "\n"


def _guard(file: str, family: str) -> str:
    """An error in words where the file meets a compiler of another processor family."""
    macro = {"x86_64": "__x86_64__", "aarch64": "__aarch64__", "armv7": "__arm__", "wasm": "__wasm__"}.get(family)
    if macro is None:
        return ""
    error = f'#error "{file}.c was built for {family}: build it again for this processor"'
    return f"#if !defined({macro})\n{error}\n#endif\n\n"


def _head(network: Network, isas: tuple[str, ...], program: bytes, origin: Origin) -> str:
    contents = network.contents
    weights = "inside this file" if network.embedded else f"in {network.file}.slim"
    lines = [
        f"{network.file}: a trained network as one C file, made by slim {origin.version}. Do not edit.",
        "",
        *([f"model SHA-256    {origin.model_sha256}"] if origin.model_sha256 else []),
        f"program SHA-256  {hashlib.sha256(program).hexdigest()}",
        f"program          {len(program)} bytes, {weights}",
        f"memory           {contents.arena_bytes} bytes of activations with one thread",
        *(f"{kind} {index:<{15 - len(kind)}} {shape_text(tensor)}" for kind, index, tensor in network.ends),
        *_wrapped("operators", [op.name for op in contents.selection.operators]),
        *_wrapped("kernels", list(contents.selection.kernels)),
        *_wrapped("instructions", list(isas)),
        "",
    ]
    text = "\n".join(f" * {line}".rstrip() for line in lines)
    return f"/*{text[2:]}\n{_LICENCE} */\n"


def _wrapped(title: str, words: list[str]) -> list[str]:
    """`title` and its words, at most 100 columns wide."""
    lines, line = [], f"{title:<16}"
    for word in words or ["none"]:
        if len(line) + len(word) > 100:
            lines.append(line)
            line = " " * 16
        line += f" {word}"
    return [*lines, line]
