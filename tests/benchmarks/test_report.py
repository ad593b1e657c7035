"""Tables and results files."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.__main__ import MARKS, main, with_report
from benchmarks.measure import Settings
from benchmarks.report import markdown
from tests.benchmarks.records import PEAK, record


@pytest.fixture
def measured() -> results.Results:
    records = [
        record("slim", [1.0, 1.0], peak_bytes=9 << 20, baseline_bytes=4 << 20, model_bytes=2 << 20),
        record("openvino", [2.0, 2.0]),
        record("ncnn", [0.25, 0.25], snr_db=12.0),
        record("mnn", [], problem="died during 'prepare'"),
    ]
    return results.collect(records, [PEAK], Settings(2, 0.1, 1))


def test_the_comparison_names_the_best_peer_and_the_ratio(measured: results.Results) -> None:
    assert "| net | 1 | 2 openvino | 0.50 | 2% | 120 | 120 |" in markdown(measured)


def test_an_engine_that_is_wrong_stands_in_brackets_and_one_that_failed_has_its_reason(
    measured: results.Results,
) -> None:
    report = markdown(measured)
    assert "| net | 1 | 2 | (0.25) | - |" in report
    assert "- mnn on net: died during 'prepare'" in report


def test_memory_is_what_the_process_took_since_before_the_engine_with_and_without_the_model(
    measured: results.Results,
) -> None:
    # 9 - 4 = 5 MiB, less a model of 2
    assert "| 5.0 | 3.0 | 2.00 |" in markdown(measured)


def test_a_results_file_comes_back_as_it_was(measured: results.Results, tmp_path: Path) -> None:
    back = results.load([results.save(measured, tmp_path / "a.json")])
    assert back == measured


def test_of_two_files_the_later_one_stands(measured: results.Results, tmp_path: Path) -> None:
    first = results.save(measured, tmp_path / "a.json")
    again = results.collect([record("slim", [3.0])], [PEAK], Settings(1, 0.1, 1))
    both = results.load([first, results.save(again, tmp_path / "b.json")])
    assert [r.invoke for r in both.records if r.engine == "slim"] == [[3.0e-3]]
    assert {r.engine for r in both.records} == {"slim", "openvino", "ncnn", "mnn"}


def test_a_file_of_another_format_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.json").write_text('{"format": 0}')
    assert main(["--from", str(tmp_path / "a.json")]) == 2
    assert "format" in capsys.readouterr().err


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    page = f"before\n{MARKS[0]}\nold\n{MARKS[1]}\nafter\n"
    assert with_report(page, "new\n") == f"before\n{MARKS[0]}\n\nnew\n\n{MARKS[1]}\nafter\n"
    with pytest.raises(ValueError, match="lacks"):
        with_report("no marks", "new")


def test_the_performance_page_has_the_marks() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "performance.md").read_text()
    assert page.count(MARKS[0]) == page.count(MARKS[1]) == 1


@pytest.mark.parametrize("arguments", [["--engines", "tflite"], ["--precision", "fp16"], ["--threads", "0"]])
def test_unknown_words_are_usage_errors(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
