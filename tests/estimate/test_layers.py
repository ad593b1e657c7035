"""Layers: what the core runs as one step, and the bytes that each really moves."""

import pytest

from slim.estimate.layers import Activation, layers_of, weights_of
from slim.estimate.liveness import peak_activation_bytes
from tests.estimate.models import model_of, with_weights, zeros

X = "float[1,8,4,4] x"
W = zeros("w", 8, 8, 1, 1)


def operators(model):
    return [layer.operators for layer in layers_of(model)]


def test_an_activation_belongs_to_its_convolution():
    model = with_weights("a = Conv(x, w) y = Relu(a)", X, "float[1,8,4,4] y", W)
    (layer,) = layers_of(model)
    assert layer.operators == ("Conv", "Relu")
    assert layer.inputs == (Activation("x", (1, 8, 4, 4), 512),)
    assert layer.outputs == (Activation("y", (1, 8, 4, 4), 512),)
    assert (layer.weight_bytes, layer.macs, layer.element_ops, layer.flops) == (256, 1024, 128, 2176)


def test_a_value_that_others_read_is_written():
    model = with_weights("a = Conv(x, w) y = Relu(a) z = Sigmoid(a)", X, "float[1,8,4,4] y, float[1,8,4,4] z", W)
    assert operators(model) == [("Conv",), ("Relu",), ("Sigmoid",)]


def test_a_residual_add_belongs_to_the_convolution_before_it():
    model = with_weights("a = Conv(x, w) b = Add(a, x) y = Relu(b)", X, "float[1,8,4,4] y", W)
    (layer,) = layers_of(model)
    assert layer.operators == ("Conv", "Add", "Relu")
    assert [activation.name for activation in layer.inputs] == ["x"]


def test_an_add_of_another_shape_is_a_step_of_its_own():
    model = with_weights("a = Conv(x, w) y = Add(a, b)", f"{X}, float[1,8,1,1] b", "float[1,8,4,4] y", W)
    assert operators(model) == [("Conv",), ("Add",)]


def test_a_bias_behind_a_matrix_product_belongs_to_it():
    body = "a = MatMul(x, w) y = Add(a, b)"
    model = with_weights(body, "float[3,4] x", "float[3,5] y", zeros("w", 4, 5), zeros("b", 5))
    (layer,) = layers_of(model)
    assert (layer.operators, layer.weight_bytes) == (("MatMul", "Add"), 4 * 20 + 4 * 5)


QDQ = """
    xq = QuantizeLinear(x, s, z) xd = DequantizeLinear(xq, s, z)
    wd = DequantizeLinear<axis=0>(w, ws, wz)
    a = Conv(xd, wd) r = Relu(a)
    rq = QuantizeLinear(r, s, z) rd = DequantizeLinear(rq, s, z)
"""
S = "float s = {0.1}, uint8 z = {0}, int8[2] wz = {0,0}, float[2] ws = {0.1,0.1}, int8[2,2,1,1] w = {1,2,3,4}"


def test_quantized_layers_move_bytes_and_their_dequantizers_nothing():
    model = model_of(QDQ + "y = Softmax(rd)", "float[1,2,4,4] x", "float[1,2,4,4] y", S)
    quantizer, conv, softmax = layers_of(model)
    assert (quantizer.operators, quantizer.integer) == (("QuantizeLinear",), False)
    assert (conv.operators, conv.integer, conv.macs) == (("Conv", "Relu"), True, 2 * 2 * 16)
    assert conv.inputs == (Activation("xq", (1, 2, 4, 4), 32),)
    assert conv.outputs == (Activation("rq", (1, 2, 4, 4), 32),)
    assert conv.weight_bytes == 4 + 2 * 4 + 2 + 4 + 1  # weights, their scales and zeros, and those of the output
    assert [activation.bytes for activation in softmax.inputs] == [32]


def test_a_quantized_residual_add_is_a_step_of_its_own():
    body = QDQ + "b = Add(rd, xd) bq = QuantizeLinear(b, s, z) y = DequantizeLinear(bq, s, z)"
    model = model_of(body, "float[1,2,4,4] x", "float[1,2,4,4] y", S)
    *_, conv, add = layers_of(model)
    assert (conv.operators, add.operators, add.integer) == (("Conv", "Relu"), ("Add",), True)
    assert [activation.bytes for activation in add.inputs] == [32, 32]
    assert [activation.bytes for activation in conv.outputs] == [32]


def test_a_shared_weight_is_counted_once():
    model = with_weights("a = Conv(x, w) b = Conv(a, w) y = Relu(b)", X, "float[1,8,4,4] y", W)
    assert weights_of(model) == 256


@pytest.mark.parametrize(
    ("body", "peak"),
    [
        ("y = Relu(x)", 1024),  # 512 bytes in, 512 out
        ("a = Exp(x) b = Exp(a) y = Exp(b)", 1024),  # never more than two at a time
        ("a = Exp(x) b = Exp(a) y = Add(b, x)", 1536),  # x waits for the add
        ("s = Constant<value_ints=[1,128]>() a = Reshape(x, s) y = Exp(a)", 1024),  # the reshape is a view
    ],
)
def test_peak_of_live_activations(body, peak):
    shape = "1,128" if "Reshape" in body else "1,8,4,4"
    assert peak_activation_bytes(layers_of(model_of(body, X, f"float[{shape}] y"))) == peak
