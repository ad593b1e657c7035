"""A network's own few functions: `NAME_open`, `NAME_run`, `NAME_error`, `NAME_close`, and its shapes as constants.

They are the light prediction interface of a single file; `slim.h`, in front of them in the header, has everything else.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from math import prod
from pathlib import Path

from slim.amalgamate.contents import Contents
from slim.runtime import TensorInfo

_TEMPLATES = Path(__file__).resolve().parent / "templates"

_SECTION = re.compile(r"@(EMBEDDED|SEPARATE)\{\n(.*?)@\}\n", re.DOTALL)

C_TYPES = {
    "float32": "float",
    "uint8": "uint8_t",
    "int8": "int8_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "bool": "uint8_t",
    "float16": "uint16_t",
}


@dataclass(frozen=True)
class Network:
    """What the generated files call things. `file` names files, `name` begins C names, `NAME` begins constants."""

    file: str
    contents: Contents
    embedded: bool

    @property
    def name(self) -> str:
        return c_name(self.file)

    @property
    def NAME(self) -> str:  # noqa: N802 - it is the name in capitals
        return self.name.upper()

    @property
    def ends(self) -> list[tuple[str, int, TensorInfo]]:
        """("input" or "output", its index, the tensor) of each, inputs first."""
        inputs = [("input", i, tensor) for i, tensor in enumerate(self.contents.inputs)]
        return inputs + [("output", i, tensor) for i, tensor in enumerate(self.contents.outputs)]

    def fill(self, template: str, **more: str) -> str:
        """A template's text: each @KEY@ replaced, and of `@EMBEDDED{ ... @}` and `@SEPARATE{ ... @}` one kept."""
        values = {
            "FILE": self.file,
            "NAME": self.NAME,
            "name": self.name,
            "constants": self._constants(),
            "parameters": ", ".join(_parameter(*end) for end in self.ends),
            "arguments": ", ".join(f"{kind}_{i}" for kind, i, _ in self.ends),
            "set_inputs": self._transfers("input"),
            "get_outputs": self._transfers("output"),
            **more,
        }
        text = (_TEMPLATES / template).read_text(encoding="utf-8")
        kept = "EMBEDDED" if self.embedded else "SEPARATE"
        text = _SECTION.sub(lambda match: match[2] if match[1] == kept else "", text)
        return re.sub(r"@(\w+)@", lambda match: values[match[1]], text)

    def _constants(self) -> str:
        lines = [
            f"#define {self.NAME}_INPUT_COUNT {len(self.contents.inputs)}",
            f"#define {self.NAME}_OUTPUT_COUNT {len(self.contents.outputs)}",
            "/* activations and scratch memory, at most, with one thread */",
            f"#define {self.NAME}_ARENA_BYTES {self.contents.arena_bytes}ul",
        ]
        for kind, index, tensor in self.ends:
            prefix = f"#define {self.NAME}_{kind.upper()}_{index}_"
            count = prod(tensor.shape)
            lines += [
                "",
                f"{prefix}NAME {c_text(tensor.name)}",
                f"{prefix}RANK {len(tensor.shape)}",
                f"{prefix}DIMS {{{', '.join(map(str, tensor.shape)) or '1'}}}",
                f"{prefix}COUNT {count}ul",
                f"{prefix}BYTES {count * tensor.dtype.itemsize}ul",
            ]
            if tensor.scale:
                lines += [
                    f"{prefix}SCALE {float(tensor.scale)!r}f /* real = (stored - zero point) * scale */",
                    f"{prefix}ZERO_POINT {tensor.zero_point}",
                ]
        return "\n".join(lines)

    def _transfers(self, kind: str) -> str:
        call = {"input": "slim_set_input", "output": "slim_get_output"}[kind]
        lines = []
        for i in (index for end, index, _ in self.ends if end == kind):
            size = f"{self.NAME}_{kind.upper()}_{i}_BYTES"
            lines += ["    if (status == SLIM_OK)", f"        status = {call}(net->session, {i}, {kind}_{i}, {size});"]
        return "\n".join(lines)


def file_name(name: str) -> str:
    """A model's name as a file's: letters, digits and `._-`, so that make and shells take it without quotes; never that
    of a file that goes with it."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    word = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip(".-") or "model"
    return f"{word}-model" if word.lower() == "example" else word


def c_name(name: str) -> str:
    """A model's name as the beginning of C names; never one that the core's own begin with."""
    word = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower()
    return word if word[:1].isalpha() and not word.startswith("slim") else f"model_{word}"


def c_text(text: str) -> str:
    """A C string literal."""
    data = text.encode()
    plain = (chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in data)
    return f'"{"".join(plain)}"'


def shape_text(tensor: TensorInfo) -> str:
    """`data float32 [1, 3, 224, 224]`, safe inside a comment."""
    name = re.sub(r"[^\w./:-]|/(?=\*)", "_", tensor.name, flags=re.ASCII)
    return f"{name} {tensor.dtype} {list(tensor.shape)}"


def _parameter(kind: str, index: int, tensor: TensorInfo) -> str:
    const = "const " if kind == "input" else ""
    return f"{const}{C_TYPES[str(tensor.dtype)]} *{kind}_{index}"
