"""`make demo`: the digits network from ONNX to one C file, with slim's command line and a C compiler.

Reads the files beside it, which `train.py` wrote, and leaves everything that it makes in `out/` (or in `--out DIR`).
"""

from __future__ import annotations

import argparse
import os
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
from slim.amalgamate import load_target
from slim.core.compile import find_compiler
from slim.lower import lower

HERE = Path(__file__).resolve().parent
DEVICE = "rpi3"

console = Console(highlight=False, soft_wrap=True)


def title(text: str) -> None:
    """A line across the terminal."""
    console.print("\n", Rule(f"[bold]{text}", align="left", style="dim"), sep="")


def run(words: list[str | Path], shown: str | None = None, feed: bytes | None = None) -> bytes:
    """Print and run a command, which prints for itself unless it is fed. Ends the demo if it fails."""
    command = [str(word) for word in words]
    console.print(f"$ {shown or shlex.join(command)}", style="cyan", markup=False)
    # a command's own lines come after ours also where stdout is a file
    console.file.flush()
    done = subprocess.run(command, input=feed, stdout=None if feed is None else subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(f"demo: that command failed with exit code {done.returncode}")
    return done.stdout or b""


def run_slim(*arguments: str | Path) -> None:
    """One command of slim's."""
    shown = shlex.join(["slim", *map(str, arguments)])
    run([sys.executable, "-m", "slim.cli", *arguments], shown)


def in_process(path: Path, images: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The likeliest digit of each image, by the core in this process."""
    session = slim.Session(path)
    name, output = session.inputs[0].name, session.outputs[0].name
    return np.array([session.run({name: image[None]})[output].argmax() for image in images])


def program_bytes(path: Path) -> int:
    """Weights and graph, as the core reads them."""
    return len(lower(slim.simplify(path)[0]))


def code_bytes(obj: Path) -> int:
    """What `size` calls text: bytes of an ELF object's sections that are loaded and never written (System V gABI 4)."""
    data = obj.read_bytes()
    if data[:4] != b"\x7fELF":
        sys.exit(f"demo: {obj} is not an ELF object")
    wide = data[4] == 2
    (start,) = struct.unpack_from("<Q" if wide else "<I", data, 0x28 if wide else 0x20)
    size, count = struct.unpack_from("<HH", data, 0x3A if wide else 0x2E)
    sections = (struct.unpack_from("<IIQQQQ" if wide else "<6I", data, start + size * i) for i in range(count))
    write, allocate = 1, 2
    return sum(section[5] for section in sections if section[2] & (write | allocate) == allocate)


def kib(count: int) -> str:
    return f"{count / 1024:.1f} KiB"


def demo(out: Path) -> None:
    """All steps, then the figures."""
    here = Path(os.path.relpath(HERE))
    model, small, code, program = here / "digits.onnx", out / "digits-int8.onnx", out / "digits.o", out / "classify"
    test = np.load(here / "digits-test.npz")
    images, labels = test["images"], test["labels"]
    out.mkdir(parents=True, exist_ok=True)

    title("Does it fit?")
    run_slim("check", model, "--device", DEVICE)

    title("Make it fit")
    run_slim("compress", model, "--device", DEVICE, "--data", here / "calibration", "-o", small)

    title("Ship it")
    run_slim("build", small, "--target", "host", "--embed", "--name", "digits", "-o", out)

    title("Compile it, as anybody would")
    compiler = find_compiler()
    shown = [Path(compiler[0]).name, *compiler[1:]]
    for options in (
        ["-O3", "-c", out / "digits.c", "-o", code],
        ["-O3", f"-I{out}", here / "classify.c", code, "-o", program, "-lm", "-lpthread"],
    ):
        run([*compiler, *options], shlex.join(map(str, [*shown, *options])))

    title(f"Run it on {len(labels)} images that training did not see")
    answers = run([program.absolute()], f"{program} < images", images.tobytes())
    predicted = np.array(answers.split(), dtype=np.int64)
    if not np.array_equal(predicted, in_process(small, images)):
        sys.exit("demo: the single file and the core in this process disagree")
    console.print("Every answer is that of the core in this process.")

    title("What came of it")
    before, after = program_bytes(model), program_bytes(small)
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for column in ("", "before, fp32", "after, int8"):
        table.add_column(column, justify="right" if column else "left")
    accuracies = [f"{(answer == labels).mean():.2%}" for answer in (in_process(model, images), predicted)]
    table.add_row("accuracy on held-out images", *accuracies, style="bold")
    table.add_row("weights and graph", kib(before), kib(after), style="bold")
    isas = load_target("host").isas
    table.add_row(f"code, {len(isas)} instruction sets", "", kib(code_bytes(code) - after), style="bold")
    console.print(table)
    console.print(f"(the code holds {', '.join(isas)} and takes the best of them when it starts)\n", style="dim")
    files = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    for path, what in (
        (small, "the int8 model, standard ONNX"),
        (out / "digits.c", "all of it as one C file"),
        (out / "digits.h", "its header"),
        (program, "the program that ran above"),
    ):
        files.add_row(str(path), kib(path.stat().st_size), f"[dim]{what}")
    console.print(files)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The digits network from ONNX to one C file.")
    parser.add_argument("--out", type=Path, default=HERE / "out", help="folder for everything that is made")
    demo(Path(os.path.relpath(parser.parse_args().out)))
