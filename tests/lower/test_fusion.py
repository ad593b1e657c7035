"""What follows a convolution or dense layer is done inside it, and only where that is exact."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from slim.lower import lower
from slim.lower.strassen import suits_strassen
from slim.runtime import Session
from tests.lower.test_layout import conv, image, kinds, weights
from tests.nets import assert_agrees, net


def test_relu6_and_residual_are_fused() -> None:
    nodes = [
        conv("x", "a", "w"),
        conv("x", "b", "w"),
        helper.make_node("Add", ["a", "b"], ["s"]),
        helper.make_node("Clip", ["s", "lo", "hi"], ["y"]),
    ]
    constants = {"w": weights(5, 3, 1, 1), "lo": np.float32(0).reshape(()), "hi": np.float32(1).reshape(())}
    model = net(nodes, {"x": (1, 3, 4, 4)}, ["y"], constants)
    assert kinds(model) == ["transpose", "conv_f32", "conv_f32", "transpose"]
    assert_agrees(model, {"x": image(1, 3, 4, 4)})


def test_a_value_that_is_read_twice_keeps_its_own_operator() -> None:
    nodes = [conv("x", "c", "w"), helper.make_node("Relu", ["c"], ["r"]), helper.make_node("Add", ["c", "r"], ["y"])]
    model = net(nodes, {"x": (1, 3, 4, 4)}, ["y"], {"w": weights(5, 3, 1, 1)})
    assert "unary_f32" in kinds(model)
    assert_agrees(model, {"x": image(1, 3, 4, 4)})


def test_a_value_that_is_given_out_is_not_clamped() -> None:
    nodes = [conv("x", "c", "w"), helper.make_node("Relu", ["c"], ["y"])]
    assert_agrees(net(nodes, {"x": (1, 3, 4, 4)}, ["c", "y"], {"w": weights(5, 3, 1, 1)}), {"x": image(1, 3, 4, 4)})


def test_a_residual_of_another_shape_is_an_operator_of_its_own() -> None:
    nodes = [conv("x", "a", "w"), helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Add", ["a", "r"], ["y"])]
    model = net(nodes, {"x": (1, 1, 4, 4)}, ["y"], {"w": weights(5, 1, 1, 1)})
    assert "binary_f32" in kinds(model)
    assert_agrees(model, {"x": image(1, 1, 4, 4)})


def test_gemm_with_every_attribute() -> None:
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], alpha=0.5, beta=2.0, transB=1)
    assert_agrees(net([node], {"x": (3, 7)}, ["y"], {"w": weights(20, 7), "b": weights(20)}), {"x": image(3, 7)})


@settings(max_examples=40, deadline=None)
@given(
    channels=st.integers(1, 20), outputs=st.integers(1, 40), size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)), stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)), pads=st.tuples(*[st.integers(0, 2)] * 4),
    groups=st.integers(1, 3), batch=st.integers(1, 3), depthwise=st.booleans(),
)  # fmt: skip
def test_any_convolution(
    channels: int, outputs: int, size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int],
    dilation: tuple[int, int], pads: tuple[int, int, int, int], groups: int, batch: int, depthwise: bool,
) -> None:  # fmt: skip
    groups = channels if depthwise else groups
    channels, outputs = (channels, channels) if depthwise else (channels * groups, outputs * groups)
    padded = [size[i] + pads[i] + pads[i + 2] for i in (0, 1)]
    if any(dilation[i] * (kernel[i] - 1) + 1 > padded[i] for i in (0, 1)):
        return
    attributes = {"strides": stride, "dilations": dilation, "pads": pads, "group": groups}
    model = net(
        [conv("x", "y", "w", **attributes)],
        {"x": (batch, channels, *size)},
        ["y"],
        {"w": weights(outputs, channels // groups, *kernel)},
    )
    assert_agrees(model, {"x": image(batch, channels, *size)})


@pytest.mark.parametrize("size", [(56, 56), (28, 27), (14, 15), (13, 6), (8, 8), (7, 7), (7, 5), (4, 4)])
@pytest.mark.parametrize("residual", [False, True])
def test_winograd_agrees_with_direct_convolution(size: tuple[int, int], residual: bool) -> None:
    nodes = [conv("x", "a", "w1"), conv("a", "c", "w", pads=[1, 0, 1, 2])]
    nodes += [conv("a", "b", "w", pads=[1, 0, 1, 2]), helper.make_node("Add", ["c", "b"], ["s"])] if residual else []
    nodes += [helper.make_node("Relu", ["s" if residual else "c"], ["y"])]
    model = net(nodes, {"x": (2, 3, *size)}, ["y"], {"w": weights(33, 31, 3, 3), "w1": weights(31, 3, 1, 1)})
    x = {"x": image(2, 3, *size)}
    assert kinds(model).count("winograd_f32") == 1 + residual
    fast = Session(lower(ir.from_proto(model))).run(x)["y"]
    direct = Session(lower(ir.from_proto(model), optimize="size")).run(x)["y"]
    noise = np.square(fast - direct).sum() / np.square(direct).sum()
    assert -10 * np.log10(noise) > 100  # dB
    assert_agrees(model, x, tolerance=2e-5)  # sums are larger than what the clamp leaves of them


@pytest.mark.parametrize("kernel", [(7, 7), (5, 5), (8, 6)])
@pytest.mark.parametrize("size", [(224, 17), (20, 300), (32, 32)])
def test_winograd_of_a_first_layer_agrees_with_direct_convolution(
    size: tuple[int, int], kernel: tuple[int, int]
) -> None:
    nodes = [conv("x", "a", "w", strides=[2, 2], pads=[3, 2, 1, 3]), helper.make_node("Relu", ["a"], ["y"])]
    model = net(nodes, {"x": (2, 3, *size)}, ["y"], {"w": weights(33, 3, *kernel)})
    x = {"x": image(2, 3, *size)}
    assert "winograd_image_f32" in kinds(model)
    fast = Session(lower(ir.from_proto(model)), threads=2).run(x)["y"]
    direct = Session(lower(ir.from_proto(model), optimize="size")).run(x)["y"]
    noise = np.square(fast - direct).sum() / np.square(direct).sum()
    assert -10 * np.log10(noise) > 110  # dB
    assert_agrees(model, x)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("size", "kind"), [((49, 10), "conv_narrow_f32"), ((10, 49), "conv_image_f32")])
def test_a_first_layer_of_a_few_columns_takes_bands_of_rows(size: tuple[int, int], kind: str, channels: int) -> None:
    nodes = [conv("x", "y", "w", strides=[2, 2], pads=[5, 1, 5, 1])]
    model = net(nodes, {"x": (2, channels, *size)}, ["y"], {"w": weights(24, channels, 10, 4)})
    assert kind in kinds(model)
    assert_agrees(model, {"x": image(2, channels, *size)})


@pytest.mark.parametrize("size", [(14, 14), (9, 30)])
def test_winograd_of_many_filters_on_a_small_image(size: tuple[int, int]) -> None:
    nodes = [conv("x", "a", "w1"), conv("a", "y", "w", pads=[1, 1, 1, 1])]
    model = net(nodes, {"x": (1, 3, *size)}, ["y"], {"w": weights(180, 170, 3, 3), "w1": weights(170, 3, 1, 1)})
    assert "winograd_f32" in kinds(model)
    assert_agrees(model, {"x": image(1, 3, *size)})


@pytest.mark.parametrize("size", [(56, 57), (28, 30), (15, 14), (12, 7), (8, 60)])
@pytest.mark.parametrize(("pads", "residual"), [([1, 1, 1, 1], True), ([0, 0, 1, 1], False), ([2, 0, 0, 1], False)])
def test_winograd_with_stride_2_agrees_with_direct_convolution(
    size: tuple[int, int], pads: list[int], residual: bool
) -> None:
    nodes = [conv("x", "a", "w1"), conv("a", "c", "w", pads=pads, strides=[2, 2])]
    nodes += [conv("a", "b", "w", pads=pads, strides=[2, 2]), helper.make_node("Add", ["c", "b"], ["s"])] * residual
    nodes += [helper.make_node("Relu", ["s" if residual else "c"], ["y"])]
    model = net(nodes, {"x": (3, 3, *size)}, ["y"], {"w": weights(49, 17, 3, 3), "w1": weights(17, 3, 1, 1)})
    x = {"x": image(3, 3, *size)}
    assert kinds(model).count("winograd_stride2_f32") == 1 + residual
    fast = Session(lower(ir.from_proto(model)), threads=2).run(x)["y"]
    direct = Session(lower(ir.from_proto(model), optimize="size")).run(x)["y"]
    noise = np.square(fast - direct).sum() / np.square(direct).sum()
    assert 0 < noise < 1e-11  # 110 dB; by other sums
    assert_agrees(model, x)


@pytest.mark.parametrize(
    ("channels", "outputs", "size", "fast"),
    [(256, 16, 28, False), (64, 32, 6, False), (64, 32, 10, False), (15, 64, 56, False), (64, 16, 56, True)],
)
def test_winograd_with_stride_2_is_taken_where_it_pays(channels: int, outputs: int, size: int, fast: bool) -> None:
    nodes = [conv("x", "a", "w1"), conv("a", "y", "w", pads=[1, 1, 1, 1], strides=[2, 2])]
    constants = {"w": weights(outputs, channels, 3, 3), "w1": weights(channels, 3, 1, 1)}
    model = net(nodes, {"x": (1, 3, size, size)}, ["y"], constants)
    assert ("winograd_stride2_f32" in kinds(model)) is fast


@pytest.mark.parametrize(("stride", "residual"), [(1, False), (1, True), (2, False)])
def test_strassen_agrees_with_direct_convolution(stride: int, residual: bool) -> None:
    nodes = [conv("x", "a", "w1"), conv("a", "c", "w", strides=[stride, stride])]
    nodes += [helper.make_node("Add", ["c", "a"], ["s"])] if residual else []
    nodes += [helper.make_node("Relu", ["s" if residual else "c"], ["y"])]
    constants = {"w": weights(256, 256, 1, 1), "w1": weights(256, 3, 1, 1)}
    model = net(nodes, {"x": (1, 3, 17, 16)}, ["y"], constants)
    assert kinds(model).count("strassen_f32") == 1
    assert_strassen(model, {"x": image(1, 3, 17, 16)})


def test_strassen_agrees_with_a_direct_dense_layer() -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["m", "x"], ["y"])]
    model = net(nodes, {"x": (2, 48, 256)}, ["y"], {"w": weights(256, 256)})
    assert kinds(model) == ["strassen_f32"]
    assert_strassen(model, {"x": image(2, 48, 256)})


@pytest.mark.parametrize(
    ("pixels", "channels", "outputs", "suits"),
    [
        (64, 256, 128, True),
        (63, 256, 128, False),
        (49, 512, 512, True),
        (49, 510, 512, False),
        (49, 512, 511, False),
        (47, 512, 512, False),
        (196, 257, 256, False),
        (192, 128, 512, True),
        (191, 128, 512, False),
        (192, 126, 512, False),
        (192, 128, 511, False),
    ],
)
def test_strassen_suits_large_products(pixels: int, channels: int, outputs: int, suits: bool) -> None:
    assert suits_strassen(pixels, channels, outputs) == suits


def assert_strassen(model: onnx.ModelProto, x: dict[str, np.ndarray]) -> None:
    fast = Session(lower(ir.from_proto(model))).run(x)["y"]
    program = lower(ir.from_proto(model), optimize="size")
    direct = Session(program).run(x)["y"]
    noise = np.square(fast - direct).sum() / np.square(direct).sum()
    assert 100 < -10 * np.log10(noise) < 200  # dB; equal results would say that it was not used
    assert_agrees(model, x)


@pytest.mark.parametrize("others", [[], [2], [1, 2]])  # dilations of more convolutions of the image
def test_a_first_convolution_makes_its_bytes_itself(others: list[int]) -> None:
    constants = {"s": np.float32(0.02).reshape(()), "z": np.uint8(120).reshape(()), "zw": np.int8(0).reshape(())}
    constants["w"] = np.random.default_rng(3).integers(-127, 128, (8, 3, 3, 3)).astype(np.int8)
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("DequantizeLinear", ["w", "s", "zw"], ["f"]),
    ]
    nodes += [conv("d", f"y{i}", "f", dilations=[d, d]) for i, d in enumerate([1, *others])]
    outputs = [f"y{i}" for i in range(1 + len(others))]
    model = net(nodes, {"x": (1, 3, 20, 21)}, outputs, constants)
    asked = {1: ["conv_image_u8"], 2: ["quantize", "transpose", "conv_u8"]}
    assert [k for k in kinds(model) if k != "transpose"] == [
        k for d in [1, *others] for k in asked[d] if k != "transpose"
    ]
    assert_agrees(model, {"x": image(1, 3, 20, 21)})
