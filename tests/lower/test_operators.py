"""ONNX operators that become one or a few operators of the core, each against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from slim.errors import SlimError
from slim.lower import lower
from tests.lower.test_layout import conv, image, kinds, weights
from tests.nets import assert_agrees, net, slim_run


def one(op_type: str, shape: tuple[int, ...], *constants: np.ndarray | None, **attributes: Any) -> onnx.ModelProto:
    """A network of one operator on x and constants (None: left out)."""
    given = {f"c{i}": constant for i, constant in enumerate(constants) if constant is not None}
    names = ["x", *(f"c{i}" if f"c{i}" in given else "" for i in range(len(constants)))]
    return net([helper.make_node(op_type, names, ["y"], **attributes)], {"x": shape}, ["y"], given)


def check(op_type: str, shape: tuple[int, ...], *constants: np.ndarray | None, **attributes: Any) -> None:
    assert_agrees(one(op_type, shape, *constants, **attributes), {"x": image(*shape)})


def lstm(shape: tuple[int, int, int], hidden: int, direction: str, states: bool, bias: bool, outputs: list[str]) -> Any:
    """An LSTM over x, its states inputs of the network."""
    _, batch, inputs = shape
    count = 2 if direction == "bidirectional" else 1
    constants = {"w": weights(count, 4 * hidden, inputs) / 4, "r": weights(count, 4 * hidden, hidden) / 4}
    names = ["x", "w", "r", "b" if bias else "", "", "h" if states else "", "c" if states else ""]
    if bias:
        constants["b"] = weights(count, 8 * hidden)
    node = helper.make_node("LSTM", names, outputs, hidden_size=hidden, direction=direction)
    feeds = {"x": image(*shape)}
    if states:
        feeds |= {"h": image(count, batch, hidden), "c": image(count, batch, hidden)}
    wanted = [name for name in outputs if name]
    return net([node], {name: array.shape for name, array in feeds.items()}, wanted, constants), feeds


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(("states", "bias"), [(False, False), (True, True)])
@pytest.mark.parametrize("outputs", [["y", "h1", "c1"], ["y"], ["", "h1"]])
def test_lstm(direction: str, states: bool, bias: bool, outputs: list[str]) -> None:
    assert_agrees(*lstm((5, 2, 7), 9, direction, states, bias, outputs))


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [({"activations": ["Relu", "Tanh", "Tanh"]}, "relu"), ({"layout": 1}, "layout"), ({"clip": 1.0}, "clip")],
)
def test_variants_of_the_lstm_that_the_core_lacks_are_refused(attributes: dict[str, Any], reason: str) -> None:
    node = helper.make_node("LSTM", ["x", "w", "r"], ["", "y"], hidden_size=3, **attributes)
    model = net([node], {"x": (2, 2, 4)}, ["y"], {"w": weights(1, 12, 4), "r": weights(1, 12, 3)})
    with pytest.raises(SlimError, match=reason):
        lower(ir.from_proto(model))


@settings(max_examples=30, deadline=None)
@given(
    groups=st.sampled_from([1, 2]), inputs=st.integers(1, 5), outputs=st.integers(1, 18),
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)), kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)), pads=st.tuples(*[st.integers(0, 1)] * 4),
    flat=st.booleans(), bias=st.booleans(),
)  # fmt: skip
def test_transposed_convolution(
    groups: int, inputs: int, outputs: int, size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int],
    pads: tuple[int, int, int, int], flat: bool, bias: bool,
) -> None:  # fmt: skip
    for axis in (0, 1):
        assume((size[axis] - 1) * stride[axis] + kernel[axis] > pads[axis] + pads[axis + 2])
    axes = 1 if flat else 2
    ends = pads[:1] + pads[2:3] if flat else pads
    attributes = {"strides": stride[:axes], "pads": ends, "group": groups}
    w = weights(inputs * groups, outputs, *kernel[:axes])
    b = weights(outputs * groups) if bias else None
    check("ConvTranspose", (2, inputs * groups, *size[:axes]), w, b, **attributes)


@pytest.mark.parametrize(
    "attributes",
    [
        {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
        {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
        {"output_shape": [9, 10], "strides": [2, 2]},
        {"output_padding": [1, 0], "strides": [2, 3], "dilations": [2, 1]},
    ],
)
def test_padding_of_a_transposed_convolution(attributes: dict[str, Any]) -> None:
    check("ConvTranspose", (1, 3, 5, 5), weights(3, 4, 3, 3), **attributes)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("coordinates", ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"])
@pytest.mark.parametrize(("scales", "sizes"), [([1, 1, 2, 2.5], None), (None, [2, 3, 9, 4])])
def test_resize(mode: str, coordinates: str, scales: list[float] | None, sizes: list[int] | None) -> None:
    given_scales = None if scales is None else np.array(scales, np.float32)
    given_sizes = None if sizes is None else np.array(sizes)
    attributes = {"mode": mode, "coordinate_transformation_mode": coordinates}
    check("Resize", (2, 3, 5, 6), None, given_scales, given_sizes, **attributes)


def test_resize_of_some_axes_and_of_a_signal() -> None:
    check("Resize", (2, 3, 5, 6), None, np.array([3, 2], np.float32), axes=[2, 3])
    check("Resize", (2, 3, 5), None, np.array([1, 1, 3], np.float32), mode="linear")


@pytest.mark.parametrize(
    ("attributes", "scales"), [({"mode": "cubic"}, [1, 1, 2, 2]), ({"mode": "linear"}, [1, 2, 1, 1])]
)
def test_a_resize_that_the_core_lacks_is_refused(attributes: dict[str, Any], scales: list[float]) -> None:
    with pytest.raises(SlimError, match="resizes"):
        lower(ir.from_proto(one("Resize", (1, 2, 4, 4), None, np.array(scales, np.float32), **attributes)))


@pytest.mark.parametrize("attributes", [{}, {"mode": "CRD"}])
def test_depth_to_space(attributes: dict[str, Any]) -> None:
    check("DepthToSpace", (2, 12, 3, 5), blocksize=2, **attributes)


def test_space_to_depth_after_a_convolution_stays_in_its_order() -> None:
    nodes = [
        conv("x", "c", "w"),
        helper.make_node("SpaceToDepth", ["c"], ["s"], blocksize=2),
        conv("s", "y", "w2"),
    ]
    model = net(nodes, {"x": (2, 3, 4, 6)}, ["y"], {"w": weights(5, 3, 1, 1), "w2": weights(2, 20, 1, 1)})
    assert kinds(model).count("transpose") == 3  # in, the one of the operator, out
    assert_agrees(model, {"x": image(2, 3, 4, 6)})


@pytest.mark.parametrize("shape", [(2, 6, 5, 7), (1, 6, 9)])
def test_instance_and_group_normalization(shape: tuple[int, ...]) -> None:
    check("InstanceNormalization", shape, weights(6), weights(6), epsilon=1e-3)
    grouped = one("GroupNormalization", shape, weights(6), weights(6), num_groups=3)
    grouped.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, shape))  # onnx infers none
    assert_agrees(grouped, {"x": image(*shape)})


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_lp_normalization(p: int, axis: int) -> None:
    x = image(3, 4, 5)
    x[:, 1] = x[1] = 0
    x[:, :, 2] = 0
    assert_agrees(one("LpNormalization", x.shape, p=p, axis=axis), {"x": x})


@pytest.mark.parametrize("op_type", ["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"])
@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.int64])
@pytest.mark.parametrize("other", [(3, 1, 5), (1,), (), (4, 5)])
def test_comparisons(op_type: str, dtype: type, other: tuple[int, ...]) -> None:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [
        helper.make_node("Cast", ["x"], ["i"], to=kind),
        helper.make_node(op_type, ["i", "k"], ["b"]),
        helper.make_node("Cast", ["b"], ["y"], to=TensorProto.FLOAT),
    ]
    x, k = np.round(image(3, 4, 5) * 2), np.round(image(*other) * 2).astype(dtype)
    if dtype is np.float32:
        x[0, 0, 0] = np.nan
    assert_agrees(net(nodes, {"x": x.shape}, ["y"], {"k": k}), {"x": x})


def test_where_with_logic() -> None:
    nodes = [
        helper.make_node("Greater", ["x", "one"], ["g"]),
        helper.make_node("Less", ["x", "least"], ["l"]),
        helper.make_node("Or", ["g", "l"], ["o"]),
        helper.make_node("Not", ["g"], ["n"]),
        helper.make_node("And", ["o", "n"], ["a"]),
        helper.make_node("Where", ["a", "row", "x"], ["y"]),
    ]
    constants = {"one": np.float32(1).reshape(()), "least": weights(4, 1), "row": weights(5)}
    assert_agrees(net(nodes, {"x": (3, 4, 5)}, ["y"], constants), {"x": image(3, 4, 5)})


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.bool_, np.uint8])
def test_where_of_other_types(dtype: type) -> None:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    x, a, b = image(3, 4), (image(4) > 0).astype(dtype), (image(3, 1) > 0).astype(dtype)
    graph = helper.make_graph(
        [helper.make_node("Greater", ["x", "zero"], ["c"]), helper.make_node("Where", ["c", "a", "b"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", kind, (3, 4))],
        [numpy_helper.from_array(v, n) for n, v in (("zero", np.zeros((), np.float32)), ("a", a), ("b", b))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    model = onnx.shape_inference.infer_shapes(model)
    np.testing.assert_array_equal(slim_run(model, {"x": x})["y"], np.where(x > 0, a, b))
