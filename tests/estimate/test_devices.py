"""Device profiles and budgets: what is read, what is refused, and that every figure has a source."""

from pathlib import Path

import pytest

from slim.configs import find_config
from slim.devices import Budget, list_devices, load_device, parse_bytes, parse_seconds
from slim.errors import SlimError

NAMES = [
    "browser", "jetson-nano", "phone-2018", "phone-2023", "rpi-zero-2w", "rpi-zero-w", "rpi3", "rpi4", "rpi5",
    "x86-64-server",
]  # fmt: skip
FIGURES = (
    "cpu.cores", "cpu.clock_hz", "cpu.fp32_macs_per_cycle", "cpu.fp16_macs_per_cycle", "cpu.int8_macs_per_cycle",
    "cpu.l1d", "cpu.l2", "memory.ram", "memory.app_ram", "memory.process_ram", "memory.stack",
    "memory.weights_in_ram", "memory.flash", "roofline.speedup", "roofline.bandwidth", "roofline.layer_overhead_s",
    "efficiency.fp32", "efficiency.int8", "budget",
)  # fmt: skip


def test_the_known_devices_are_listed_in_order():
    assert list_devices() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_of_a_profile_names_its_source(name):
    device = load_device(name)
    assert sorted(device.sources) == sorted(FIGURES)
    assert all(device.sources.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_is_plausible(name):
    device = load_device(name)
    assert device.name == name
    assert 0 < device.app_ram_bytes <= device.ram_bytes
    assert device.budget.max_ram_bytes <= device.app_ram_bytes
    assert device.budget.max_flash_bytes <= device.flash_bytes
    assert device.int8_macs_per_cycle >= device.fp32_macs_per_cycle
    assert max(device.speedup) == device.cores
    for threads, speedup in device.speedup.items():
        assert 1 <= speedup <= threads


def test_figures_are_read_in_base_units():
    device = load_device("rpi3")
    assert (device.cores, device.clock_hz, device.l2_bytes, device.ram_bytes) == (4, 1.4e9, 512 * 1024, 1024**3)
    assert device.budget == Budget(0.1, 16 * 1024**2, 64 * 1024**2)


def test_an_unknown_device_names_the_nearest_and_all_others():
    with pytest.raises(SlimError) as caught:
        load_device("rpi-3")
    assert "did you mean 'rpi3'" in str(caught.value)
    assert all(name in str(caught.value) for name in NAMES)


def test_a_profile_of_your_own_is_read_by_path(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text(find_config("devices", "rpi4").read_text().replace("cores = 4", "cores = 2"))
    device = load_device(mine)
    assert (device.name, device.cores) == ("mine", 2)


def test_every_wrong_key_is_reported_at_once(tmp_path):
    text = find_config("devices", "rpi4").read_text()
    text = text.replace("cores = 4", 'cores = "four"').replace('l2 = "1MiB"', 'l2 = "lots"').replace("clock_hz", "clok")
    text = text.replace('isa = "neon"', 'isa = "mmx"').replace('latency = "100ms"', 'latency = "soon"')
    mine = tmp_path / "mine.toml"
    mine.write_text(text)
    with pytest.raises(SlimError) as caught:
        load_device(mine)
    said = str(caught.value)
    for fragment in ("cpu.cores must be", "'lots' is not a size", "needs cpu.clock_hz", "cpu.clok", "'mmx'", "'soon'"):
        assert fragment in said
    assert all(str(mine) in str(problem) for problem in caught.value.problems)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[cpu", b""])
def test_what_is_not_a_profile_is_refused(tmp_path, content):
    mine = tmp_path / "mine.toml"
    mine.write_bytes(content)
    with pytest.raises(SlimError):
        load_device(mine)


def test_a_missing_file_is_refused():
    with pytest.raises(SlimError, match="there is no such file"):
        load_device(Path("nowhere.toml"))


@pytest.mark.parametrize(
    ("text", "size"),
    [("5MiB", 5 * 1024**2), ("5MB", 5_000_000), ("1.5 KiB", 1536), ("4096", 4096), ("10b", 10), ("2GiB", 2 * 1024**3)],
)
def test_sizes_are_read_with_their_unit(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize(("text", "seconds"), [("100ms", 0.1), ("0.5s", 0.5), ("250us", 250e-6), ("2 s", 2.0)])
def test_times_are_read_with_their_unit(text, seconds):
    assert parse_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "MiB", "-5MiB", "5 parsecs", "0", "nan", "1e3", "5MiB extra"])
def test_what_is_not_a_size_is_refused(text):
    with pytest.raises(SlimError, match="is not a size"):
        parse_bytes(text)


def test_all_bad_budgets_are_reported_at_once():
    with pytest.raises(SlimError) as caught:
        Budget.parse("fast", "small", "32MiB")
    assert [problem.where for problem in caught.value.problems] == ["budget for latency", "budget for flash"]


def test_a_budget_keeps_its_own_limits_over_the_devices():
    assert Budget(None, 5, None).over(Budget(1.0, 2, 3)) == Budget(1.0, 5, 3)
