"""The command line: `slim COMMAND ...`. One file for each command in this folder; none computes anything.

A command reads its options, calls `slim.api`, hands the result to `slim.report` and returns an exit code: 0; 1 for
"does not fit" (check), "budget not reached" (compress), "an operator is missing" (build); 2 for bad input or usage.
`main` turns errors into sentences on stderr, all problems at once. Heavy imports happen when a command runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

INTERRUPTED = 130
BROKEN_PIPE = 141
"""What a shell reports for a process that SIGINT or SIGPIPE ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code; usage errors raise SystemExit(2), as argparse does."""
    try:
        return _run(argv)
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(argv: Sequence[str] | None) -> int:
    from slim.cli.parser import make_parser
    from slim.cli.postpone import postpone_seldom_needed
    from slim.errors import SlimError

    postpone_seldom_needed()
    _open_closed_streams()
    try:
        arguments = make_parser().parse_args(argv)
        code = int(arguments.run(arguments))
        sys.stdout.flush()
        return code
    except SlimError as error:
        return _complain(*(str(problem) for problem in error.problems))
    except BrokenPipeError:
        # the reader is gone: nothing more to say, also not when Python flushes at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(f"{where}{error.strerror or error}")
    except MemoryError:
        return _complain("not enough memory for this model")
    except Exception as error:
        # Python's own exit code would be 1, which says that a model does not fit
        return _complain(f"this is a bug in slim, please report it: {_description(error)}")


def _open_closed_streams() -> None:
    """Python has None for a stream that was closed when it started (`>&-`); what is written there is dropped."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  it stays open, as the stream would


def _complain(*sentences: str) -> int:
    with suppress(OSError):  # a full disk behind stderr: the exit code still says it
        for sentence in dict.fromkeys(sentences):
            print(f"slim: {sentence}", file=sys.stderr)
    return 2


def _description(error: Exception) -> str:
    """What was raised, and the innermost line of slim that it came through."""
    from traceback import extract_tb

    frames = extract_tb(error.__traceback__)
    place = next((frame for frame in reversed(frames) if "slim" in Path(frame.filename).parts), frames[-1])
    return f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}: {error}"
