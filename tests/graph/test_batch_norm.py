"""Batch norms go into the linear layer beside them, exactly, or stay."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slim.graph.batch_norm import fold_batch_norm
from slim.graph.dense import matmul_to_gemm
from tests.graph.builder import Array, apply, array_of, model_of, node, ops

RNG = np.random.default_rng(0)


def random(*shape: int) -> Array:
    return RNG.normal(size=shape).astype(np.float32)


def statistics(channels: int) -> dict[str, Array]:
    """gamma, beta, mean, var."""
    return {"g": random(channels), "b": random(channels), "m": random(channels), "v": random(channels) ** 2 + 0.1}


def norm(source: str, output: str, **attributes: float) -> onnx.NodeProto:
    return node("BatchNormalization", f"{source} g b m v", output, **attributes)


@settings(max_examples=40, deadline=None)
@given(
    group=st.integers(1, 3),
    inputs=st.integers(1, 3),
    outputs=st.integers(1, 3),
    kernel=st.integers(1, 3),
    pad=st.integers(0, 1),
    spatial=st.integers(1, 2),
    bias=st.booleans(),
    before=st.booleans(),
    transpose=st.booleans(),
)
def test_a_batch_norm_beside_a_convolution_is_folded(
    group: int,
    inputs: int,
    outputs: int,
    kernel: int,
    pad: int,
    spatial: int,
    bias: bool,
    before: bool,
    transpose: bool,
) -> None:
    transpose = transpose and not before
    shape = (group * inputs, outputs) if transpose else (group * outputs, inputs)
    constants = {"w": random(*shape, *[kernel] * spatial), "c": random(group * outputs)}
    attributes = {"group": group, "pads": [0 if before else pad] * (2 * spatial)}
    kind = "ConvTranspose" if transpose else "Conv"
    constants |= statistics(group * (inputs if before else outputs))
    source, target = ("n", "y") if before else ("x", "n")
    nodes = [node(kind, f"{source} w" + " c" * bias, target, **attributes)]
    nodes.insert(0, norm("x", "n")) if before else nodes.append(norm("n", "y"))
    model = model_of(nodes, {"x": (2, group * inputs, *[5] * spatial)}, "y", constants)
    assert apply(model, fold_batch_norm).changes == 1
    assert ops(model) == {kind: 1}


def test_the_algebra_by_hand() -> None:
    # y = gamma * (w x + c - mean) / sqrt(var + eps) + beta with w=2, c=1, gamma=3, mean=5, var=3.99, eps=0.01, beta=7
    # scale = 3 / 2, so w = 3 and bias = 1.5 * 1 + 7 - 5 * 1.5 = 1
    scalars = {"w": [[[[2.0]]]], "c": [1.0], "g": [3.0], "b": [7.0], "m": [5.0], "v": [3.99]}
    constants = {name: np.array(value, np.float32) for name, value in scalars.items()}
    nodes = [node("Conv", "x w c", "n"), norm("n", "y", epsilon=0.01)]
    model = model_of(nodes, {"x": (1, 1, 2, 2)}, "y", constants)
    fold_batch_norm(model)
    assert array_of(model, "w").item() == pytest.approx(3.0)
    assert array_of(model, "c").item() == pytest.approx(1.0)


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("dense", ["MatMul", "Gemm", "transposed"])
def test_a_batch_norm_beside_a_dense_layer_is_folded(dense: str, before: bool) -> None:
    weight = random(6, 4) if dense == "transposed" else random(4, 6)
    attributes = {} if dense == "MatMul" else {"transB": int(dense == "transposed"), "alpha": 0.5, "beta": 2.0}
    kind, bias = ("MatMul", "") if dense == "MatMul" else ("Gemm", " c")
    constants = {"w": weight, "c": random(6), **statistics(4 if before else 6)}
    source, target = ("n", "y") if before else ("x", "n")
    nodes = [node(kind, f"{source} w{bias}", target, **attributes)]
    nodes.insert(0, norm("x", "n")) if before else nodes.append(norm("n", "y"))
    model = model_of(nodes, {"x": (3, 4)}, "y", constants)
    apply(model, matmul_to_gemm, fold_batch_norm)
    assert ops(model) == {"Gemm": 1}


def conv_norm(outputs: str = "y", extra: tuple[onnx.NodeProto, ...] = (), **attributes: float) -> ir.Model:
    constants = {"w": random(4, 3, 3, 3), **statistics(4)}
    nodes = [node("Conv", "x w", "n", pads=[1, 1, 1, 1]), norm("n", "y", **attributes), *extra]
    return model_of(nodes, {"x": (1, 3, 5, 5)}, outputs, constants)


def test_a_layer_whose_output_is_also_an_output_is_left() -> None:
    assert apply(conv_norm("y n"), fold_batch_norm).changes == 0


def test_a_layer_whose_output_another_node_reads_is_left() -> None:
    assert apply(conv_norm("z", (node("Add", "n y", "z"),)), fold_batch_norm).changes == 0


def test_a_weight_that_another_layer_reads_is_left() -> None:
    assert apply(conv_norm("y z", (node("Conv", "x w", "z"),)), fold_batch_norm).changes == 0


def test_statistics_that_are_not_constant_are_left() -> None:
    model = conv_norm()
    model.graph.inputs.append(model.graph.initializers["m"])
    assert fold_batch_norm(model).changes == 0


def test_training_mode_is_left() -> None:
    model = conv_norm()
    norm_node = model.graph[-1]
    norm_node.attributes["training_mode"] = ir.AttrInt64("training_mode", 1)
    assert fold_batch_norm(model).changes == 0


def test_a_shift_before_a_padded_convolution_is_left() -> None:
    constants = {"w": random(4, 3, 3, 3), **statistics(3)}
    nodes = [norm("x", "n"), node("Conv", "n w", "y", pads=[1, 1, 1, 1])]
    assert apply(model_of(nodes, {"x": (1, 3, 5, 5)}, "y", constants), fold_batch_norm).changes == 0


def test_a_scale_without_shift_goes_into_a_padded_convolution() -> None:
    zeros = np.zeros(3, np.float32)
    constants = {"w": random(4, 3, 3, 3), **statistics(3), "b": zeros, "m": zeros.copy()}
    nodes = [norm("x", "n"), node("Conv", "n w", "y", pads=[1, 1, 1, 1])]
    model = model_of(nodes, {"x": (1, 3, 5, 5)}, "y", constants)
    assert apply(model, fold_batch_norm).changes == 1


def test_channels_that_are_not_the_dense_layers_inputs_are_left() -> None:
    # (N, C, K) with C = K = 4: the batch norm's channels are axis 1, the dense layer's inputs axis 2
    constants = {"w": random(4, 6), **statistics(4)}
    model = model_of([norm("x", "n"), node("MatMul", "n w", "y")], {"x": (1, 4, 4)}, "y", constants)
    assert apply(model, fold_batch_norm).changes == 0


def test_a_quantized_weight_is_left() -> None:
    quantized = {"q": RNG.integers(-9, 9, (4, 3, 1, 1)).astype(np.int8), "s": np.float32(0.1), "z": np.int8(0)}
    nodes = [node("DequantizeLinear", "q s z", "w"), node("Conv", "x w", "n"), norm("n", "y")]
    model = model_of(nodes, {"x": (1, 3, 5, 5)}, "y", quantized | statistics(4))
    assert apply(model, fold_batch_norm).changes == 0
