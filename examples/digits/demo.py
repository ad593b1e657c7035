"""`make demo`: the digits network from ONNX to one C file, with slim's command line and a C compiler.

Reads the files beside it, which `train.py` wrote, and leaves everything that it makes in `out/` (or in `--out DIR`).
"""

from __future__ import annotations

import argparse
import shlex
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.rule import Rule
from rich.table import Table

import slim
from slim.core.compile import find_compiler
from slim.lower import lower

HERE = Path(__file__).resolve().parent
MODEL = HERE / "digits.onnx"
DEVICE = "rpi3"

console = Console(highlight=False, soft_wrap=True)


def step(title: str, *command: str | Path, feed: bytes | None = None, shown: str | None = None) -> str:
    """Print and run one command; its output is passed on, or returned where it is fed. Ends the demo if it fails."""
    words = [str(word) for word in command]
    if title:
        console.print("\n", Rule(f"[bold]{title}", align="left", style="dim"), sep="")
    console.print(f"[dim]$ {shown or shell(words)}", markup=True)
    done = subprocess.run(words, input=feed, stdout=subprocess.PIPE if feed is not None else None, check=False)
    if done.returncode:
        sys.exit(f"demo: that command failed with exit code {done.returncode}")
    return done.stdout.decode() if done.stdout else ""


def shell(words: list[str]) -> str:
    """The command as one would type it in the checkout."""
    return shlex.join(word.replace(f"{Path.cwd()}/", "") for word in words).replace(
        f"{shlex.quote(sys.executable)} -m slim.cli", "slim"
    )


def slim_step(title: str, *arguments: str | Path) -> None:
    """One command of slim's."""
    words = [str(argument) for argument in arguments]
    step(title, sys.executable, "-m", "slim.cli", *words, shown="slim " + shell(words))


def in_process(path: Path, images: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The likeliest digit of each image, by the core in this process."""
    session = slim.Session(path)
    (name,) = (info.name for info in session.inputs)
    (output,) = (info.name for info in session.outputs)
    return np.array([session.run({name: image[None]})[output].argmax() for image in images])


def program_bytes(path: Path) -> int:
    """Weights and graph, as the core reads them."""
    return len(lower(slim.simplify(path)[0]))


def code_bytes(obj: Path) -> int:
    """What `size` calls text: bytes of an ELF object's sections that are loaded and not written to (ELF-64, gABI 4)."""
    data = obj.read_bytes()
    if data[:5] != b"\x7fELF\x02":
        sys.exit(f"demo: {obj} is not an ELF-64 object")
    offset, size, count = struct.unpack_from("<Q", data, 0x28)[0], *struct.unpack_from("<HH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQ", data, offset + size * index) for index in range(count)]
    write, allocate = 1, 2
    return sum(section[5] for section in sections if section[2] & (write | allocate) == allocate)


def kib(count: int) -> str:
    return f"{count / 1024:.1f} KiB"


def main() -> None:
    parser = argparse.ArgumentParser(description="The digits network from ONNX to one C file.")
    parser.add_argument("--out", type=Path, default=HERE / "out", help="folder for everything that is made")
    demo(parser.parse_args().out.resolve())


def demo(out: Path) -> None:
    """All steps, then the figures."""
    test = np.load(HERE / "digits-test.npz")
    images, labels = test["images"], test["labels"]
    out.mkdir(parents=True, exist_ok=True)
    small = out / "digits-int8.onnx"

    slim_step("Does it fit?", "check", MODEL, "--device", DEVICE)
    slim_step("Make it fit", "compress", MODEL, "--device", DEVICE, "--data", HERE / "calibration", "-o", small)
    slim_step("Ship it", "build", small, "--target", "host", "--embed", "--name", "digits", "-o", out)

    compiler = find_compiler()
    code, program = out / "digits.o", out / "classify"
    step("Compile it, as anybody would", *compiler, "-O3", "-c", out / "digits.c", "-o", code)
    main_file = HERE / "classify.c"
    step("", *compiler, "-O3", f"-I{out}", main_file, code, "-o", program, "-lm", "-lpthread")
    said = step(f"Run it on {len(labels)} images that training did not see", program, feed=images.tobytes())

    predicted = np.array(said.split(), dtype=np.int64)
    if not np.array_equal(predicted, in_process(small, images)):
        sys.exit("demo: the single file and the core in this process disagree")
    before, after = (in_process(MODEL, images) == labels).mean(), (predicted == labels).mean()

    weights = program_bytes(small)
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column()
    table.add_column("before (fp32)", justify="right")
    table.add_column("after (int8)", justify="right")
    table.add_row("accuracy, held-out images", f"{before:.2%}", f"{after:.2%}")
    table.add_row("weights and graph", kib(program_bytes(MODEL)), kib(weights))
    table.add_row("code that runs it, on this machine", "", kib(code_bytes(code) - weights))
    console.print(table)
    console.print("\nEvery answer of the single file equals that of the core in this process.\n")
    for path, what in (
        (small, "the int8 model, standard ONNX"),
        (out / "digits.c", "the whole network as one C file, weights inside"),
        (out / "digits.h", "its header"),
        (program, "the program that ran above"),
    ):
        console.print(f"  {str(path).replace(f'{Path.cwd()}/', ''):38} {kib(path.stat().st_size):>10}   [dim]{what}")


if __name__ == "__main__":
    main()
