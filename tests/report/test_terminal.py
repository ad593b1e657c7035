"""What a person sees: the verdict first, at every width, without colour on a pipe."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from slim.devices import Budget, list_devices, load_device
from slim.estimate import check, estimate
from slim.quantize.report import Report
from slim.report.labels import best_classes
from slim.report.listings import device_table
from slim.report.results import compressed_text
from slim.report.terminal import verdict_text
from slim.report.units import bytes_text, count_text, seconds_text, shape_text, share_text
from tests.estimate.models import model_of, with_weights, zeros

RPI3 = load_device("rpi3")


def rendered(budget=None, width=100, layers=False, model=None, **console):
    model = model or with_weights(
        "conv1 = Conv(x, w) y = Relu(conv1)", "float[1,8,16,16] x", "float[1,8,16,16] y", zeros("w", 8, 8, 1, 1)
    )
    cost = estimate(model, RPI3)
    screen = Console(file=io.StringIO(), width=width, **console)
    screen.print(verdict_text(check(cost, RPI3, budget), cost, RPI3, screen, layers))
    return screen.file.getvalue()


def test_the_verdict_is_the_first_line():
    assert rendered().splitlines()[0].startswith(" FITS  net on Raspberry Pi 3 Model B+: latency ")


def test_a_verdict_against_names_every_reason_in_the_first_line():
    first = rendered(Budget(1e-6, None, 1000), width=200).splitlines()[0]
    assert first.startswith(" DOES NOT FIT  net on")
    assert "latency " in first
    assert "is over 1 us" in first
    assert "RAM " in first
    assert "is over 1000 B" in first
    assert "flash" not in first


def test_unsupported_operators_are_listed():
    text = rendered(model=model_of("a = Det(x) y = Acosh(a)", "float[4,4] x", "float y"))
    assert "the core cannot run it" in text.splitlines()[0]
    assert "operator Acosh" in text
    assert "operator Det" in text


@pytest.mark.parametrize("width", [40, 60, 72, 80, 100, 160])
@pytest.mark.parametrize("layers", [False, True])
def test_no_line_is_wider_than_the_console(width, layers):
    lines = rendered(width=width, layers=layers).splitlines()
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [64, 100])
def test_layers_are_listed_with_their_figures(width):
    (row,) = [line for line in rendered(width=width, layers=True).splitlines() if "Conv+Relu" in line]
    assert "16.4 k" in row
    assert "100 %" in row
    assert ("1x8x16x16" in row) is (width >= 96)


def test_a_pipe_gets_no_colour_and_a_terminal_does():
    assert "\x1b" not in rendered()
    assert "\x1b[1;37;42m" in rendered(force_terminal=True, color_system="standard")


def test_bars_are_ascii_where_the_encoding_is_not_utf8():
    screen = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="ascii"), width=100)
    cost = estimate(model_of("y = Relu(x)", "float[1,8] x", "float[1,8] y"), RPI3)
    screen.print(verdict_text(check(cost, RPI3), cost, RPI3, screen))
    screen.file.flush()
    assert b"#..." in screen.file.buffer.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (13951272, "13.3 MiB"), (1024**3, "1 GiB"), (1024**2 - 1, "1 MiB")],
)
def test_bytes(value, text):
    assert bytes_text(value) == text


@pytest.mark.parametrize(("value", "text"), [(640, "640"), (12.5e6, "12.5 M"), (4.089e9, "4.09 G"), (999_999, "1 M")])
def test_counts(value, text):
    assert count_text(value) == text


@pytest.mark.parametrize(("value", "text"), [(84e-6, "84 us"), (0.0947, "94.7 ms"), (0.99996, "1 s"), (12.5, "12.5 s")])
def test_seconds(value, text):
    assert seconds_text(value) == text


def test_shares_and_shapes():
    assert (share_text(1, 4), share_text(0, 0)) == ("25 %", "")
    assert (share_text(1, 200), share_text(1, 199), share_text(0, 9)) == ("<1 %", "1 %", "0 %")
    assert (shape_text((1, 3, 2)), shape_text(())) == ("1x3x2", "()")


def test_the_best_classes_skip_what_comes_before_the_first():
    import numpy as np

    guesses = best_classes(np.array([[9.0, 1.0, 3.0, 2.0]]), ["a", "b", "c"], first_class=1, count=2)
    assert [(guess.label, guess.index, guess.score) for guess in guesses] == [("b", 1, 3.0), ("c", 2, 2.0)]


@pytest.mark.parametrize(("width", "titles"), [(120, 8), (80, 7), (64, 5), (44, 4)])
def test_narrow_consoles_lose_columns_of_the_device_table_not_figures(width, titles):
    devices = [load_device(name) for name in list_devices()]
    console = Console(width=width, file=io.StringIO())
    console.print(device_table(devices, width))
    text = console.file.getvalue()
    assert len(text.splitlines()[0].split()) - ("off by" in text) == titles
    assert "x86-64-server" in text
    assert "256 MiB" in text
    assert "\N{HORIZONTAL ELLIPSIS}" not in text


def test_nodes_that_stay_in_float_are_listed_by_reason():
    report = Report(
        (), ("conv",), {f"n{index}": "no kernel" for index in range(6)} | {"last": "is named"}, ("A note.",)
    )
    assert compressed_text(report, Path("q.onnx"), 2048, 1).plain.splitlines() == [
        "1 node in 8 bits, 7 in float:",
        "  n0, n1, n2, n3 and 2 more: no kernel",
        "  last: is named",
        "  A note.",
        "q.onnx has 2 KiB; calibrated on 1 sample",
    ]
