"""The command line: `slim COMMAND ...`. One file for each command in this folder; none computes anything.

A command reads its options, calls `slim.api`, hands the result to `slim.report` and returns an exit code: 0; 1 for
"does not fit" (check), "budget not reached" (compress), "an operator is missing" (build); 2 for bad input or usage.
`main` turns errors into sentences on stderr, all problems at once. Heavy imports happen when a command runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

INTERRUPTED = 130
BROKEN_PIPE = 141
"""What a shell reports for a process that SIGINT or SIGPIPE ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code; usage errors raise SystemExit(2), as argparse does."""
    from slim.cli.parser import make_parser
    from slim.errors import SlimError

    try:
        arguments = make_parser().parse_args(argv)
        code = int(arguments.run(arguments))
        sys.stdout.flush()
        return code
    except SlimError as error:
        return _complain(*(str(problem) for problem in error.problems))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # the reader is gone: nothing more to say, also not when Python flushes at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(f"{where}{error.strerror or error}")
    except MemoryError:
        return _complain("not enough memory for this model")


def _complain(*sentences: str) -> int:
    for sentence in dict.fromkeys(sentences):
        print(f"slim: {sentence}", file=sys.stderr)
    return 2
