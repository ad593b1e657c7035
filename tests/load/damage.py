"""Loads damaged copies of a file, in a process of its own so that a crash or a hang is seen: the worker of test_damage.

    python -m tests.load.damage FILE COUNT [NAME=DIMS ...]

Damages FILE at COUNT evenly spread places, each by truncation and by flipping bits there. Every load must succeed or
raise `SlimError`. Prints what raised anything else; exits with 0 when nothing did, and with 3 above 1 GB of memory.
"""

from __future__ import annotations

import resource
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from slim.errors import SlimError
from slim.load import load

SECONDS = 10
LIMIT_KIB = 1 << 20


def damaged(data: bytes, count: int) -> list[tuple[str, bytes]]:
    """(what was done, the damaged bytes): `count` truncations and `count` flips."""
    cases = []
    for number in range(count):
        at = number * len(data) // count
        flip = (0x01, 0x80, 0xFF, 0x10)[number % 4]
        cases.append((f"cut at {at}", data[:at]))
        cases.append((f"flip {flip:#x} at {at}", data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]))
    return cases


def main(file: Path, count: int, shapes: dict[str, tuple[int, ...]]) -> int:
    """The number of damaged copies that raised anything but `SlimError`, at most 100."""
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for other in file.parent.iterdir():  # its params, or its symbol, stay whole
            if other.name.split("-")[0] == file.name.split("-")[0]:
                (Path(folder) / other.name).write_bytes(other.read_bytes())
        copy = Path(folder) / file.name
        model = copy if copy.suffix != ".params" else next(Path(folder).glob("*-symbol.json"))
        for what, data in damaged(file.read_bytes(), count):
            copy.unlink(missing_ok=True)
            copy.write_bytes(data)
            print(what, file=sys.stderr, flush=True)
            signal.alarm(SECONDS)
            try:
                load(model, shapes=shapes)
            except SlimError as error:
                if not error.problems or not str(error):
                    failures += 1
            except Exception:
                failures += 1
                print(what)
                traceback.print_exc(file=sys.stdout)
            signal.alarm(0)
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > LIMIT_KIB:
        print("more than 1 GB of memory")
        return 3
    return min(failures, 2)


if __name__ == "__main__":
    named = (item.split("=") for item in sys.argv[3:])
    dims = {name: tuple(int(dim) for dim in text.split(",")) for name, text in named}
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), dims))
