"""`python -m benchmarks`: measure slim and its peers, print the tables, keep the results, draw the chart."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import results
from benchmarks.environments import ENGINES, ROOT, BenchError, python_of
from benchmarks.measure import Settings, measure, say
from benchmarks.networks import find
from benchmarks.report import markdown
from benchmarks.worker import WorkerError

PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "performance.png"
MARKS = ("<!-- results: written by python -m benchmarks --docs -->", "<!-- end of results -->")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for bad usage or an engine that cannot be installed."""
    options = _parser().parse_args(arguments)
    try:
        if options.from_files:
            files, measured = options.from_files, results.load(options.from_files)
        else:
            measured = _measure(options)
            files = [results.save(measured, options.out)]
            say(f"kept in {files[0]}")
        report = markdown(measured)
        print(report)
        _draw(files, CHART if options.docs else files[-1].with_suffix(".png"))
        if options.docs:
            PAGE.write_text(with_report(PAGE.read_text(), report))
    except (BenchError, WorkerError, OSError, ValueError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    return 0


def _measure(options: argparse.Namespace) -> results.Results:
    settings = Settings(options.rounds, options.seconds, options.starts)
    records, peaks = [], []
    for network in find(options.networks):
        found, limits = measure(network, options.engines, options.precision, options.threads, settings)
        records += found
        peaks += limits
    return results.collect(records, peaks, settings)


def with_report(page: str, report: str) -> str:
    """The page with what stands between its two marks replaced.

    Raises ValueError where the marks are missing."""
    before, first, rest = page.partition(MARKS[0])
    _, last, after = rest.partition(MARKS[1])
    if not first or not last:
        raise ValueError(f"{PAGE} lacks the lines {MARKS[0]} and {MARKS[1]}")
    return f"{before}{first}\n\n{report}\n{last}{after}"


def _draw(files: Sequence[Path], out: Path) -> None:
    command = [str(python_of("chart")), "-m", "benchmarks.chart", *map(str, files), str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"the chart was not drawn: {done.stderr.strip()[-400:]}")
    say(f"chart in {out}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--networks", default=[], type=_words, metavar="A,B", help="names, or paths of ONNX files; all by default"
    )
    parser.add_argument("--engines", default=list(ENGINES), type=_engines, metavar="A,B", help=",".join(ENGINES))
    parser.add_argument("--precision", default=["fp32", "int8"], type=_precisions, metavar="A,B", help="fp32,int8")
    parser.add_argument("--threads", default=[1, 2], type=_counts, metavar="N,M", help="1,2")
    parser.add_argument("--rounds", default=7, type=_count, help="turns of each engine (7)")
    parser.add_argument("--seconds", default=0.2, type=float, help="of a turn (0.2)")
    parser.add_argument("--starts", default=3, type=_count, help="fresh processes to measure loading in (3)")
    parser.add_argument("--out", type=Path, help="results file (benchmarks/results/DATE-PROCESSOR.json)")
    parser.add_argument("--docs", action="store_true", help="put tables and chart into docs/performance.*")
    parser.add_argument("--from", dest="from_files", nargs="+", type=Path, metavar="FILE", help="report on these")
    return parser


def _words(text: str) -> list[str]:
    return text.split(",")


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is below 1")
    return value


def _counts(text: str) -> list[int]:
    return [_count(word) for word in text.split(",")]


def _engines(text: str) -> list[str]:
    return _known(text, ENGINES)


def _precisions(text: str) -> list[str]:
    return _known(text, ("fp32", "int8"))


def _known(text: str, names: Sequence[str]) -> list[str]:
    words = text.split(",")
    if unknown := [word for word in words if word not in names]:
        raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; use {', '.join(names)}")
    return words


if __name__ == "__main__":
    sys.exit(main())
