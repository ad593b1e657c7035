"""`build`: a program becomes a folder with one C file, its header, the weights, and what goes with them.

Everything is written into a hidden folder beside its place and then renamed, file by file: a reader never meets half of
one, and a build that fails leaves the old files as they were.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path

from slim.amalgamate.companions import Made, companion, companion_file
from slim.amalgamate.contents import read_contents
from slim.amalgamate.network import Network, file_name
from slim.amalgamate.source import Origin, header_text, source_text
from slim.amalgamate.targets import Target, load_target
from slim.amalgamate.toolchain import compile_folder, find_toolchain
from slim.core.manifest import without_copies
from slim.errors import Problem, SlimError


@dataclass(frozen=True)
class BuildResult:
    """What a build wrote. `paths` is keyed by "source", "header", "program" (unless embedded), "example.c", "Makefile",
    "README.md" (or what else the target asks for), and after compiling "library" and "executable", or "module". Sizes
    are in bytes."""

    name: str
    target: str
    isas: tuple[str, ...]
    paths: dict[str, Path]
    sizes: dict[str, int]
    operators: tuple[str, ...]
    kernels: tuple[str, ...]
    program_bytes: int
    arena_bytes: int


def build(
    program: bytes | bytearray | memoryview,
    *,
    name: str,
    target: str | Target = "host",
    out: Path,
    embed: bool = False,
    compile: bool = False,
    small: bool = False,
    model_sha256: str = "",
) -> BuildResult:
    """Write a program (from `slim.lower.lower`) as a single C file and what goes with it into the folder `out`.

    Args:
        name: the model's name; names the files and begins the C names, with what neither can hold replaced.
        target: a name of `list_targets()`, the path of a description, "host", or a target.
        embed: put the weights into the C file instead of NAME.slim.
        compile: also compile libNAME.a and the example, with the target's compiler.
        small: fewer and smaller tiles in the kernels, and code that is compiled for size.
        model_sha256: hash of the model file, for the head of the C file.

    Raises SlimError for an unknown target, a broken program, a folder that cannot be written, and, with `compile`,
    where there is no compiler (before anything is written) or it fails.
    """
    chosen = load_target(target) if isinstance(target, str) else target
    program = bytes(program)
    network = Network(file_name(name), read_contents(program, chosen.isas), embed)
    chosen = replace(chosen, isas=without_copies(network.contents.selection, chosen.isas))
    if compile:
        find_toolchain(chosen)
    texts = _texts(network, chosen, program, model_sha256, small)
    with _staging(Path(out)) as staging:
        for file, content in texts.values():
            _write(staging / file, content)
        files = {key: file for key, (file, _) in texts.items()}
        if compile:
            files |= compile_folder(staging, network, chosen)
        for file in files.values():
            os.replace(staging / file, Path(out) / file)
    paths = {key: Path(out) / file for key, file in files.items()}
    selection = network.contents.selection
    return BuildResult(
        name=network.file,
        target=chosen.name,
        isas=chosen.isas,
        paths=paths,
        sizes={key: path.stat().st_size for key, path in paths.items()},
        operators=tuple(op.name for op in selection.operators),
        kernels=selection.kernels,
        program_bytes=len(program),
        arena_bytes=network.contents.arena_bytes,
    )


def _texts(
    network: Network, target: Target, program: bytes, model_sha256: str, small: bool
) -> dict[str, tuple[str, str | bytes]]:
    """Of each file: its key in the result, its name, its contents."""
    origin = Origin(_version(), model_sha256)
    source = source_text(network, target.isas, target.family, program, origin, small=small)
    texts: dict[str, tuple[str, str | bytes]] = {
        "source": (f"{network.file}.c", source),
        "header": (f"{network.file}.h", header_text(network)),
    }
    if not network.embedded:
        texts["program"] = (f"{network.file}.slim", program)
    made = Made(target, len(program), model_sha256, origin.version)
    return texts | {name: (companion_file(name, network), companion(name, network, made)) for name in target.files}


def _version() -> str:
    try:
        return installed_version("slim")
    except PackageNotFoundError:
        return "(not installed)"


@contextmanager
def _staging(out: Path) -> Iterator[Path]:
    """A hidden folder inside `out`, which is made; both errors of the system and a file in the way become SlimError."""
    made = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".slim-", dir=out))
    except OSError as error:
        raise SlimError(Problem(f"cannot be written to ({error.strerror})", str(out), "name another folder")) from None
    try:
        yield staging
    except OSError as error:
        raise SlimError(Problem(f"cannot be written to ({error.strerror})", str(out))) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if made:
            with suppress(OSError):  # there is something in it, unless the build failed or was interrupted
                out.rmdir()


def _write(path: Path, content: str | bytes) -> None:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
