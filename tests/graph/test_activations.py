"""Activations are recognised from every exporter's pieces, and left where a piece is not what it seems."""

from __future__ import annotations

import math

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slim.graph.clips import merge_clips
from slim.graph.gelu import recognise_gelu
from slim.graph.hard_swish import recognise_hard_swish
from slim.prune import remove_unused
from tests.graph.builder import apply, model_of, node, operand, ops, run

CONSTANTS = {"zero": 0.0, "one": 1.0, "three": 3.0, "six": 6.0, "sixth": 1 / 6, "half": 0.5, "two": 2.0}
SHAPE = (2, 3, 4)

HARD_SWISH = {
    "x * hard_sigmoid": [node("HardSigmoid", "x", "h", alpha=1 / 6), node("Mul", "h x", "y")],
    "x * (clip / 6)": [node("Div", "c six", "h"), node("Mul", "x h", "y")],
    "(x * clip) / 6": [node("Mul", "x c", "h"), node("Div", "h six", "y")],
    "(x * clip) * 1/6": [node("Mul", "c x", "h"), node("Mul", "sixth h", "y")],
    "(x * 1/6) * clip": [node("Mul", "x sixth", "h"), node("Mul", "h c", "y")],
}


def clipped(source: str = "x", offset: str = "three", top: str = "six") -> list[onnx.NodeProto]:
    return [node("Add", f"{source} {offset}", "a"), node("Clip", f"a zero {top}", "c")]


@pytest.mark.parametrize("order", HARD_SWISH)
def test_hard_swish_in_every_order(order: str) -> None:
    nodes = [*([] if "sigmoid" in order else clipped()), *HARD_SWISH[order]]
    model = model_of(nodes, {"x": SHAPE}, "y", CONSTANTS)
    apply(model, recognise_hard_swish, remove_unused)
    assert ops(model) == {"HardSwish": 1}


@pytest.mark.parametrize("nodes", [[node("Div", "c six", "y")], [node("Mul", "sixth c", "y")]])
def test_hard_sigmoid_from_its_pieces(nodes: list[onnx.NodeProto]) -> None:
    model = model_of([*clipped(), *nodes], {"x": SHAPE}, "y", CONSTANTS)
    apply(model, recognise_hard_swish, remove_unused)
    assert ops(model) == {"HardSigmoid": 1}


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        ([*clipped(), *HARD_SWISH["(x * clip) / 6"]], "y c"),
        ([*clipped(offset="two"), *HARD_SWISH["(x * clip) / 6"]], "y"),
        ([*clipped(top="three"), *HARD_SWISH["(x * clip) / 6"]], "y"),
        ([node("Neg", "x", "n"), *clipped("n"), *HARD_SWISH["(x * clip) / 6"]], "y"),
        ([node("HardSigmoid", "x", "h"), node("Mul", "h x", "y")], "y"),
        ([node("HardSigmoid", "x", "h", alpha=1 / 6), node("Mul", "h x", "y")], "y h"),
    ],
    ids=["clip is an output", "x + 2", "clip to 3", "another x", "alpha is 0.2", "gate is an output"],
)
def test_what_is_not_quite_hard_swish_stays(nodes: list[onnx.NodeProto], outputs: str) -> None:
    model = model_of(nodes, {"x": SHAPE}, outputs, CONSTANTS)
    assert apply(model, recognise_hard_swish).changes == 0


ROOTS = {"root": math.sqrt(2), "inverse": math.sqrt(0.5), "c": 0.044715, "k": math.sqrt(2 / math.pi), "n3": 3.0}
ERF = {
    "x / root": [node("Div", "x root", "e")],
    "x * inverse": [node("Mul", "inverse x", "e")],
}
TANH = {
    "x + c * x ^ 3": [
        node("Pow", "x n3", "p"),
        node("Mul", "c p", "q"),
        node("Add", "x q", "r"),
        node("Mul", "r k", "e"),
    ],
    "x + ((c * x) * x) * x": [
        node("Mul", "c x", "p"),
        node("Mul", "x p", "s"),
        node("Mul", "x s", "q"),
        node("Add", "q x", "r"),
        node("Mul", "k r", "e"),
    ],
    "k * x * (1 + c * x * x)": [
        node("Mul", "x x", "p"),
        node("Mul", "p c", "q"),
        node("Add", "q one", "r"),
        node("Mul", "x k", "s"),
        node("Mul", "s r", "e"),
    ],
}
TAILS = {
    "(x * s) * half": [node("Mul", "x s1", "t"), node("Mul", "t half", "y")],
    "(x * half) * s": [node("Mul", "half x", "t"), node("Mul", "t s1", "y")],
    "x * (half * s)": [node("Mul", "half s1", "t"), node("Mul", "x t", "y")],
    "(x * s) / two": [node("Mul", "s1 x", "t"), node("Div", "t two", "y")],
}


def gelu(head: list[onnx.NodeProto], kind: str, tail: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    return [*head, node(kind, "e", "f"), node("Add", "f one", "s1"), *tail]


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("head", [*ERF, *TANH])
def test_gelu_in_every_order(head: str, tail: str) -> None:
    kind = "Erf" if head in ERF else "Tanh"
    model = model_of(gelu((ERF | TANH)[head], kind, TAILS[tail]), {"x": SHAPE}, "y", CONSTANTS | ROOTS)
    apply(model, recognise_gelu, remove_unused)
    assert ops(model) == {"Gelu": 1}
    assert model.graph[0].attributes.get_string("approximate") == ("none" if kind == "Erf" else "tanh")


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        (gelu(ERF["x / root"], "Erf", TAILS["(x * s) * half"]), "y f"),
        (gelu([node("Div", "x two", "e")], "Erf", TAILS["(x * s) * half"]), "y"),
        (gelu(ERF["x / root"], "Tanh", TAILS["(x * s) * half"]), "y"),
        (gelu(ERF["x / root"], "Erf", [node("Mul", "x s1", "t"), node("Mul", "t two", "y")]), "y"),
        ([node("Neg", "x", "n"), *gelu([node("Div", "n root", "e")], "Erf", TAILS["(x * s) * half"])], "y"),
        (gelu([*TANH["x + c * x ^ 3"][:2], node("Add", "half q", "r"), node("Mul", "r k", "e")], "Tanh",
              TAILS["(x * s) * half"]), "y"),
    ],
    ids=["erf is an output", "x / 2", "tanh for erf", "times 2", "another x", "half for x"],
)  # fmt: skip
def test_what_is_not_quite_gelu_stays(nodes: list[onnx.NodeProto], outputs: str) -> None:
    model = model_of(nodes, {"x": SHAPE}, outputs, CONSTANTS | ROOTS)
    assert apply(model, recognise_gelu).changes == 0


def test_gelu_is_not_written_before_opset_20() -> None:
    nodes = gelu(ERF["x / root"], "Erf", TAILS["(x * s) * half"])
    model = model_of(nodes, {"x": SHAPE}, "y", CONSTANTS | ROOTS, opset=17)
    assert apply(model, recognise_gelu).changes == 0


LIMIT = st.one_of(st.none(), st.integers(-3, 3))


@settings(max_examples=60, deadline=None)
@given(limits=st.tuples(LIMIT, LIMIT, LIMIT, LIMIT), relu=st.sampled_from([None, 0, 1]))
def test_two_limits_become_one(limits: tuple[int | None, ...], relu: int | None) -> None:
    constants = {f"k{index}": float(limit) for index, limit in enumerate(limits) if limit is not None}
    names = [f"k{index}" if limit is not None else "-" for index, limit in enumerate(limits)]
    nodes = [node("Clip", f"x {names[0]} {names[1]}", "a"), node("Clip", f"a {names[2]} {names[3]}", "y")]
    if relu is not None:
        nodes[relu] = node("Relu", "xa"[relu], "ay"[relu])
    model = model_of(nodes, {"x": (50,)}, "y", constants)
    crossed = any(
        low is not None and high is not None and low > high
        for index, (low, high) in enumerate((limits[:2], limits[2:]))
        if relu != index
    )
    apply(model, merge_clips, remove_unused, tolerance=0)
    assert len(model.graph) == (2 if crossed else 1)


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([node("Max", "x zero", "y")], {"Relu": 1}),
        ([node("Max", "zero x", "a"), node("Min", "a six", "y")], {"Clip": 1}),
        ([node("Min", "six x", "y")], {"Clip": 1}),
        ([node("Relu", "x", "a"), node("Clip", "a zero six", "y")], {"Clip": 1}),
        ([node("Clip", "x zero", "y")], {"Relu": 1}),
    ],
)
def test_limits_have_one_form(nodes: list[onnx.NodeProto], expected: dict[str, int]) -> None:
    model = model_of(nodes, {"x": SHAPE}, "y", CONSTANTS)
    apply(model, merge_clips, merge_clips, remove_unused, tolerance=0)
    assert ops(model) == expected


def test_relu6_keeps_its_limits() -> None:
    model = model_of([node("Clip", "x zero six", "y")], {"x": SHAPE}, "y", CONSTANTS)
    assert apply(model, merge_clips, tolerance=0).changes == 0


def test_limits_that_were_attributes_become_inputs() -> None:
    model = model_of([node("Clip", "x", "y", min=0.0, max=6.0)], {"x": SHAPE}, "y", opset=6)
    before = run(model)
    merge_clips(model)
    model.opset_imports[""] = 13
    after = run(model)
    assert np.array_equal(before["y"], after["y"])
    assert operand(model.graph[0], 2) == 6


@pytest.mark.parametrize("shape", [(4,), (5, 2, 3, 4)])
def test_a_maximum_with_more_than_a_scalar_stays(shape: tuple[int, ...]) -> None:
    model = model_of([node("Max", "x k", "y")], {"x": SHAPE}, "y", {"k": np.zeros(shape, np.float32)})
    assert apply(model, merge_clips).changes == 0


def test_a_maximum_that_broadens_the_shape_stays() -> None:
    model = model_of([node("Max", "x k", "y")], {"x": (4,)}, "y", {"k": np.zeros((1, 1), np.float32)})
    assert apply(model, merge_clips).changes == 0


def test_a_limit_that_is_computed_stays() -> None:
    model = model_of([node("Relu", "x", "a"), node("Clip", "a zero t", "y")], {"x": SHAPE, "t": ()}, "y", CONSTANTS)
    assert apply(model, merge_clips).changes == 0
