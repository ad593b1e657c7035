"""Constant factors and summands go into the linear layer beside them, exactly, or stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slim.graph.dense import matmul_to_gemm
from slim.graph.scale import fold_scale
from tests.graph.builder import Array, apply, model_of, node, ops

RNG = np.random.default_rng(1)


def random(*shape: int) -> Array:
    return (RNG.normal(size=shape) + 3).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(["Add", "Sub", "Mul", "Div"]),
    shape=st.sampled_from([(), (1,), (4, 1, 1), (1, 4, 1, 1), (1, 1, 1, 1)]),
    constant_first=st.booleans(),
    before=st.booleans(),
    bias=st.booleans(),
)
def test_arithmetic_beside_a_convolution_is_folded(
    kind: str, shape: tuple[int, ...], constant_first: bool, before: bool, bias: bool
) -> None:
    constants = {"w": random(4, 4, 3, 3), "c": random(4), "k": random(*shape)}
    source, target = ("n", "y") if before else ("x", "n")
    operands = ("k {}" if constant_first else "{} k").format("x" if before else "n")
    nodes = [node("Conv", f"{source} w" + " c" * bias, target), node(kind, operands, "n" if before else "y")]
    model = model_of(nodes[::-1] if before else nodes, {"x": (2, 4, 5, 5)}, "y", constants)
    foldable = not (kind == "Div" and constant_first)
    assert apply(model, fold_scale, tolerance=2e-5).changes == foldable
    assert ops(model) == ({"Conv": 1} if foldable else {"Conv": 1, "Div": 1})


def test_matmul_and_add_become_one_gemm() -> None:
    model = model_of(
        [node("MatMul", "x w", "n"), node("Add", "b n", "y")], {"x": (2, 3)}, "y", {"w": random(3, 5), "b": random(5)}
    )
    apply(model, matmul_to_gemm, fold_scale)
    assert ops(model) == {"Gemm": 1}


def test_matmul_with_a_weight_that_is_not_constant_stays() -> None:
    model = model_of([node("MatMul", "x w", "y")], {"x": (2, 3), "w": (3, 5)}, "y")
    assert apply(model, matmul_to_gemm).changes == 0


def test_matmul_of_three_dimensions_stays_and_takes_factors_only() -> None:
    nodes = [node("MatMul", "x w", "n"), node("Mul", "n s", "m"), node("Add", "m b", "y")]
    model = model_of(nodes, {"x": (2, 4, 3)}, "y", {"w": random(3, 5), "s": random(5), "b": random(5)})
    apply(model, matmul_to_gemm, fold_scale)
    assert ops(model) == {"MatMul": 1, "Add": 1}


@pytest.mark.parametrize("shape", [(5,), (5, 1), (1, 4, 5, 5), (2, 1, 1, 1), (1, 1, 4, 1, 1)])
def test_a_constant_along_other_axes_than_the_channels_is_left(shape: tuple[int, ...]) -> None:
    nodes = [node("Conv", "x w", "n", pads=[1, 1, 1, 1]), node("Mul", "n k", "y")]
    model = model_of(nodes, {"x": (1, 4, 5, 5)}, "y", {"w": random(4, 4, 3, 3), "k": random(*shape)})
    assert apply(model, fold_scale).changes == 0


def test_a_summand_before_a_padded_convolution_is_left() -> None:
    nodes = [node("Sub", "x k", "n"), node("Conv", "n w", "y", pads=[1, 1, 1, 1])]
    model = model_of(nodes, {"x": (1, 4, 5, 5)}, "y", {"w": random(4, 4, 3, 3), "k": random(4, 1, 1)})
    assert apply(model, fold_scale).changes == 0


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER"])
def test_automatic_padding_is_padding(auto_pad: str) -> None:
    nodes = [node("Add", "x k", "n"), node("Conv", "n w", "y", auto_pad=auto_pad)]
    model = model_of(nodes, {"x": (1, 4, 5, 5)}, "y", {"w": random(4, 4, 3, 3), "k": random(4, 1, 1)})
    assert apply(model, fold_scale).changes == 0


def test_a_layer_that_is_also_an_output_is_left() -> None:
    nodes = [node("Conv", "x w", "n"), node("Mul", "n k", "y")]
    model = model_of(nodes, {"x": (1, 4, 5, 5)}, "n y", {"w": random(4, 4, 3, 3), "k": random(1)})
    assert apply(model, fold_scale).changes == 0


def test_division_by_zero_is_left() -> None:
    nodes = [node("Conv", "x w", "n"), node("Div", "n k", "y")]
    model = model_of(nodes, {"x": (1, 4, 5, 5)}, "y", {"w": random(4, 4, 3, 3), "k": np.float32(0)})
    assert fold_scale(model).changes == 0


def test_a_gemm_bias_with_a_row_for_each_sample_is_left() -> None:
    nodes = [node("Gemm", "x w c", "n"), node("Add", "n k", "y")]
    model = model_of(nodes, {"x": (5, 4)}, "y", {"w": random(4, 5), "c": random(5, 1), "k": random(5)})
    assert apply(model, fold_scale).changes == 0


def test_a_bias_that_two_layers_read_changes_for_one_only() -> None:
    nodes = [node("Conv", "x w c", "n"), node("Add", "n k", "y"), node("Conv", "x v c", "z")]
    constants = {"w": random(4, 4, 3, 3), "v": random(4, 4, 1, 1), "c": random(4), "k": random(4, 1, 1)}
    assert apply(model_of(nodes, {"x": (1, 4, 5, 5)}, "y z", constants), fold_scale).changes == 1
