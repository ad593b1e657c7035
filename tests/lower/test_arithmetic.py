"""bf16 arithmetic: asked for, never chosen; the layers that gain from it, and no others."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper

import slim
from slim.errors import SlimError
from slim.lower import lower
from slim.runtime import Session
from tests.lower.test_bottleneck import CHAIN, block
from tests.lower.test_layout import conv, image, weights
from tests.nets import net, onnxruntime_run


def kinds(model: onnx.ModelProto, **options: str) -> list[str]:
    """The operators besides changes of layout."""
    session = Session(lower(ir.from_proto(model), **options))
    feeds = {info.name: np.zeros(info.shape, np.float32) for info in session.inputs}
    return [step.operator for step in session.profile(feeds, 1) if step.operator != "transpose"]


def one(channels: int, outputs: int, side: int, kernel: int = 1, **attributes: object) -> onnx.ModelProto:
    """One convolution."""
    groups = int(str(attributes.get("group", 1)))
    constants = {"w": weights(outputs, channels // groups, kernel, kernel)}
    return net([conv("x", "y", "w", **attributes)], {"x": (1, channels, side, side)}, ["y"], constants)


def test_nothing_is_in_bf16_unless_it_is_asked_for() -> None:
    assert kinds(one(64, 64, 9)) == kinds(one(64, 64, 9), weights="bf16") == ["conv_f32"]
    assert kinds(one(64, 64, 9), arithmetic="bf16") == ["conv_bf16"]


def test_dense_layers_in_bf16_and_their_accuracy() -> None:
    nodes = [
        helper.make_node("Gemm", ["x", "a", "b"], ["h"], transB=1),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("MatMul", ["r", "c"], ["y"]),
    ]
    model = net(nodes, {"x": (5, 70)}, ["y"], {"a": weights(90, 70), "b": weights(90), "c": weights(90, 33)})
    x = {"x": image(5, 70)}
    assert kinds(model, arithmetic="bf16") == ["dense_bf16", "dense_bf16"]
    expected = onnxruntime_run(model, x)["y"]
    for isa in ("auto", "plain"):
        got = Session(lower(ir.from_proto(model), arithmetic="bf16"), isa=isa).run(x)["y"]
        assert 10 * np.log10(np.mean(expected**2) / np.mean((got - expected) ** 2)) >= 40
        assert (got != expected).any()


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (one(64, 64, 56, 3, pads=[1, 1, 1, 1]), "winograd_f32"),  # saves more than half
        (one(64, 64, 7, 3, pads=[1, 1, 1, 1]), "conv_bf16"),  # tiles hang over the edge of small images
        (one(64, 64, 28, 3, strides=[2, 2], pads=[1, 1, 1, 1]), "conv_bf16"),  # half the time: Winograd two thirds
        (one(256, 256, 14), "conv_bf16"),  # strassen_f32 otherwise
        (one(64, 64, 14, 3, group=64), "depthwise_f32"),
        (one(64, 64, 14, 3, group=2), "conv_f32"),
        (one(64, 15, 14), "conv_f32"),
        (one(15, 64, 14), "conv_f32"),
        (one(3, 64, 56, 3), "conv_image_f32"),
    ],
)
def test_each_layer_takes_the_fastest_way(model: onnx.ModelProto, kind: str) -> None:
    assert kinds(model, arithmetic="bf16") == [kind]


def test_without_winograd_more_layers_gain() -> None:
    model = one(64, 64, 56, 3, pads=[1, 1, 1, 1])
    assert kinds(model, arithmetic="bf16", optimize="size") == ["conv_bf16"]


def test_large_pointwise_layers_leave_the_fused_operator_for_speed() -> None:
    wide = {
        "s": weights(24, 16, 1, 1),
        "e": weights(48, 24, 1, 1),
        "d": weights(48, 1, 3, 3),
        "p": weights(24, 48, 1, 1),
    }
    limits = {"zero": np.float32(0).reshape(()), "six": np.float32(6).reshape(())}
    model = net(CHAIN, {"x": (1, 16, 60, 60)}, ["y"], {**wide, **limits})
    assert kinds(model, arithmetic="bf16")[-3:] == ["conv_bf16", "depthwise_f32", "conv_bf16"]
    assert "bottleneck_f32" in kinds(model, arithmetic="bf16", optimize="size")
    assert "bottleneck_f32" in kinds(block(60), arithmetic="bf16")  # 8 channels


def test_weights_that_overflow_keep_the_layer_in_fp32() -> None:
    model = one(64, 64, 9)
    model.graph.initializer[0].CopyFrom(
        onnx.numpy_helper.from_array(np.full((64, 64, 1, 1), 3.4e38, np.float32), model.graph.initializer[0].name)
    )
    assert kinds(model, arithmetic="bf16") == ["conv_f32"]


def test_half_of_the_weights_bytes_are_left() -> None:
    model = one(256, 256, 14)
    assert len(lower(ir.from_proto(model), arithmetic="bf16")) < 0.55 * len(lower(ir.from_proto(model)))


def test_another_arithmetic_is_refused() -> None:
    with pytest.raises(SlimError, match=r"'fp8'.*fp32, bf16"):
        lower(ir.from_proto(one(64, 64, 9)), arithmetic="fp8")


def test_a_program_has_chosen_already() -> None:
    program = lower(ir.from_proto(one(64, 64, 9)), arithmetic="bf16")
    slim.Session(program).close()
    with pytest.raises(SlimError, match="already"):
        slim.Session(program, arithmetic="bf16")
