"""Predicted latency: the arithmetic of one layer by hand, and whole networks against published measurements."""

import pytest

from slim.devices import list_devices, load_device
from slim.estimate.layers import Activation, Kind, Layer
from slim.estimate.roofline import by_threads, layer_seconds
from tests.estimate.ncnn import network_layers, predicted, published

FITTED = [name for name in list_devices() if load_device(name).calibration]
LIMIT = 1.6
"""What a prediction may be off by on the boards; the profiles state less, and are held to what they state."""


def layer(**changes):
    """A pointwise convolution of 10 million MACs that moves 1 MB of activations and 0.4 MB of weights."""
    usual = {
        "name": "conv", "operators": ("Conv",), "kind": Kind.POINTWISE, "integer": False, "macs": 10_000_000,
        "element_ops": 0, "winograd": False, "weight_bytes": 400_000, "inputs": (Activation("x", (1,), 600_000),),
        "outputs": (Activation("y", (1,), 400_000),),
    }  # fmt: skip
    return Layer(**(usual | changes))


def test_a_layer_takes_its_multiplications_its_bytes_and_the_overhead():
    rpi3 = load_device("rpi3")
    compute = 10e6 / (1.4e9 * 4 * 0.72)
    assert layer_seconds(layer(), rpi3, 1) == pytest.approx(compute + 1.4e6 / 1.2e9 + 5e-6)


def test_an_integer_layer_uses_the_integer_peak():
    rpi3 = load_device("rpi3")
    compute = 10e6 / (1.4e9 * 8 * 0.32)
    assert layer_seconds(layer(integer=True), rpi3, 1) == pytest.approx(compute + 1.4e6 / 1.2e9 + 5e-6)


def test_threads_divide_the_computing_by_the_measured_speedup():
    rpi3 = load_device("rpi3")
    compute = 10e6 / (1.4e9 * 4 * 0.72 * 2.2)
    assert layer_seconds(layer(), rpi3, 4) == pytest.approx(compute + 1.4e6 / 1.2e9 + 5e-6)


def test_operations_behind_multiplications_are_free_and_alone_are_not():
    rpi3 = load_device("rpi3")
    assert layer_seconds(layer(element_ops=10**6), rpi3, 1) == layer_seconds(layer(), rpi3, 1)
    alone = layer(macs=0, element_ops=10**6, kind=Kind.ELEMENTWISE)
    assert layer_seconds(alone, rpi3, 1) == pytest.approx(1e6 / 1.4e9 + 1.4e6 / 1.2e9 + 5e-6)


def test_a_new_shape_on_the_same_bytes_is_free():
    assert layer_seconds(layer(operators=("Reshape",), kind=Kind.MOVE, macs=0), load_device("rpi3"), 1) == 0


def test_a_3x3_layer_is_faster_where_transforms_save_multiplications():
    rpi4, window = load_device("rpi4"), layer(kind=Kind.CONV, winograd=True)
    assert layer_seconds(window, rpi4, 1, winograd=True) < layer_seconds(window, rpi4, 1, winograd=False)


@pytest.mark.parametrize(("threads", "expected"), [(1, 1.0), (2, 2.0), (4, 4.0), (8, 4.0)])
def test_thread_counts_between_measured_ones_are_interpolated(threads, expected):
    assert by_threads({1: 1.0, 4: 4.0}, threads) == pytest.approx(expected)


@pytest.mark.parametrize("device", FITTED)
def test_predictions_agree_with_published_latencies_as_the_profile_states(device):
    profile = load_device(device)
    measured = published(profile)
    assert len(measured) >= 18
    for (name, threads), seconds in measured.items():
        ratio = predicted(profile, name, threads) / seconds
        int8 = name.endswith("_int8")
        stated = profile.calibration.worst_factor_int8 if int8 else profile.calibration.worst_factor
        assert 1 / stated <= ratio <= stated, f"{name}, {threads} threads: {ratio:.2f}x the published time"


@pytest.mark.parametrize("device", FITTED)
def test_no_profile_states_more_than_the_limit_for_floats(device):
    assert load_device(device).calibration.worst_factor <= LIMIT


def test_int8_networks_move_a_quarter_of_the_bytes():
    floats = sum(one.weight_bytes for one in network_layers("resnet18"))
    assert floats == pytest.approx(4 * sum(one.weight_bytes for one in network_layers("resnet18_int8")), rel=1e-3)
