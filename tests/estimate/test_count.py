"""MACs and operations of each family of operators, against hand computations and the published figures of networks."""

import onnx
import pytest

from slim.errors import UnsupportedError
from slim.estimate.count import Kind, count
from slim.estimate.layers import layers_of, parameters_of, weights_of
from tests.estimate.models import model_of, network, with_weights, zeros

X = "float[1,8,10,12] x"


def only(model):
    (node,) = [node for node in model.graph if node.op_type != "Constant"]
    return count(node)


@pytest.mark.parametrize(
    ("body", "weight", "output", "kind", "macs"),
    [
        # out 16x10x12, each a sum over 8 channels of a 3x3 window
        ("y = Conv<pads=[1,1,1,1]>(x, w)", (16, 8, 3, 3), "1,16,10,12", Kind.CONV, 16 * 10 * 12 * 8 * 9),
        ("y = Conv<strides=[2,2]>(x, w)", (16, 8, 1, 1), "1,16,5,6", Kind.POINTWISE, 16 * 5 * 6 * 8),
        ("y = Conv<group=8, pads=[1,1,1,1]>(x, w)", (8, 1, 3, 3), "1,8,10,12", Kind.DEPTHWISE, 8 * 10 * 12 * 9),
        ("y = Conv<group=8>(x, w)", (16, 1, 3, 3), "1,16,8,10", Kind.DEPTHWISE, 16 * 8 * 10 * 9),
        ("y = Conv<group=2>(x, w)", (6, 4, 3, 3), "1,6,8,10", Kind.CONV, 6 * 8 * 10 * 4 * 9),
        # every one of 8x10x12 inputs meets 4 channels of a 2x2 window
        ("y = ConvTranspose<strides=[2,2]>(x, w)", (8, 4, 2, 2), "1,4,20,24", Kind.CONV, 8 * 10 * 12 * 4 * 4),
    ],
)  # fmt: skip
def test_convolutions(body, weight, output, kind, macs):
    cost = only(with_weights(body, X, f"float[{output}] y", zeros("w", *weight)))
    assert (cost.kind, cost.macs, cost.element_ops) == (kind, macs, 0)


@pytest.mark.parametrize(
    ("kernel", "attributes", "winograd"),
    [
        ((16, 16, 3, 3), "", True),
        ((16, 16, 3, 3), "<strides=[2,2]>", False),
        ((16, 16, 5, 5), "", False),
        ((8, 16, 3, 3), "", False),
    ],
)  # fmt: skip
def test_a_dense_3x3_window_with_stride_1_is_one_for_winograd(kernel, attributes, winograd):
    model = with_weights(f"y = Conv{attributes}(x, w)", "float[1,16,12,12] x", "float[1,n,h,v] y", zeros("w", *kernel))
    assert only(model).winograd is winograd


@pytest.mark.parametrize(
    ("body", "inputs", "output", "macs"),
    [
        ("y = MatMul(a, b)", "float[2,3,4] a, float[2,4,5] b", "2,3,5", 2 * 3 * 5 * 4),
        ("y = MatMul(a, b)", "float[7,3,4] a, float[4,5] b", "7,3,5", 7 * 3 * 5 * 4),
        ("y = MatMul(a, b)", "float[4] a, float[4,5] b", "5", 5 * 4),
        ("y = Gemm(a, b)", "float[3,4] a, float[4,5] b", "3,5", 3 * 5 * 4),
        ("y = Gemm<transA=1, transB=1>(a, b)", "float[4,3] a, float[5,4] b", "3,5", 3 * 5 * 4),
        ('y = Einsum<equation="bij,bjk->bik">(a, b)', "float[2,3,4] a, float[2,4,5] b", "2,3,5", 2 * 3 * 4 * 5),
        ('y = Einsum<equation="...ij,jk->...ik">(a, b)', "float[2,3,4] a, float[4,5] b", "2,3,5", 2 * 3 * 4 * 5),
    ],
)  # fmt: skip
def test_matrix_products(body, inputs, output, macs):
    cost = only(model_of(body, inputs, f"float[{output}] y"))
    assert (cost.kind, cost.macs) == (Kind.DENSE, macs)


@pytest.mark.parametrize(("operator", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_recurrent_layers(operator, gates):
    """For each of 5 steps and 2 samples: gates x 7 rows, each a sum over 3 inputs and 7 states."""
    tensors = (zeros("w", 1, gates * 7, 3), zeros("r", 1, gates * 7, 7))
    body = f"y = {operator}<hidden_size=7>(x, w, r)"
    model = with_weights(body, "float[5,2,3] x", "float[5,1,2,7] y", *tensors)
    assert only(model).macs == 5 * 2 * gates * 7 * (3 + 7)


@pytest.mark.parametrize(
    ("body", "output", "operations"),
    [
        ("y = MaxPool<kernel_shape=[2,2], strides=[2,2]>(x)", "1,8,5,6", 8 * 5 * 6 * 4),
        ("y = AveragePool<kernel_shape=[3,3], pads=[1,1,1,1]>(x)", "1,8,10,12", 8 * 10 * 12 * 9),
        ("y = GlobalAveragePool(x)", "1,8,1,1", 8 * 10 * 12),
        ("y = Relu(x)", "1,8,10,12", 960),
        ("y = Softmax(x)", "1,8,10,12", 5 * 960),
        ("y = ReduceMean<keepdims=0>(x)", "", 960),
        ("y = Add(x, x)", "1,8,10,12", 960),
        ("y = Sum(x, x, x)", "1,8,10,12", 2 * 960),
        ("y = LRN<size=5>(x)", "1,8,10,12", 9 * 960),
        ("y = Transpose(x)", "12,10,8,1", 0),
        ("y = Concat<axis=1>(x, x)", "1,16,10,12", 0),
    ],
)  # fmt: skip
def test_what_is_not_a_sum_of_products_has_operations_but_no_macs(body, output, operations):
    cost = only(model_of(body, X, f"float[{output}] y"))
    assert (cost.macs, cost.element_ops) == (0, operations)


@pytest.mark.parametrize(("mode", "operations"), [("nearest", 0), ("linear", 8 * 20 * 24 * 2 * 2)])
def test_resize_costs_its_interpolation(mode, operations):
    body = f's = Constant<value = float[4] {{1.0,1.0,2.0,2.0}}>() y = Resize<mode="{mode}">(x, , s)'
    assert only(model_of(body, X, "float[1,8,20,24] y")).element_ops == operations


def test_integer_forms_of_the_older_kind_count_alike():
    body = "y = QLinearConv(x, s, z, w, s, wz, s, z)"
    tensors = (
        zeros("w", 16, 8, 3, 3, dtype=onnx.TensorProto.INT8),
        onnx.helper.make_tensor("s", onnx.TensorProto.FLOAT, (), [0.1]),
        zeros("z", dtype=onnx.TensorProto.UINT8),
        zeros("wz", dtype=onnx.TensorProto.INT8),
    )
    model = with_weights(body, "uint8[1,8,10,12] x", "uint8[1,16,8,10] y", *tensors)
    (layer,) = layers_of(model)
    assert (layer.macs, layer.integer, layer.weight_bytes) == (16 * 8 * 10 * 8 * 9, True, 16 * 8 * 9 + 4 + 1 + 1)


def test_an_open_dimension_is_refused_by_name():
    with pytest.raises(UnsupportedError, match="open dimension 'N'"):
        layers_of(model_of("y = Relu(x)", "float[N,4] x", "float[N,4] y"))


@pytest.mark.parametrize(
    ("name", "mmacs", "parameters"),
    [
        # the papers' figures: MobileNets (arXiv 1704.04861, 1801.04381), ResNets (1512.03385), MLPerf Tiny (2106.07597)
        ("mobilenet-v1", 569, 4.2e6),
        ("mobilenet-v2", 301, 3.5e6),
        ("resnet18", 1814, 11.7e6),
        ("resnet50", 4089, 25.6e6),
        ("squeezenet-v1.1", 349, 1.24e6),
        ("resnet8-cifar10", 12.5, 78e3),
        ("dscnn-kws", 2.7, 23e3),
    ],
)  # fmt: skip
def test_networks_have_their_published_counts(name, mmacs, parameters):
    model = network(name)
    assert sum(layer.macs for layer in layers_of(model)) / 1e6 == pytest.approx(mmacs, rel=0.02)
    assert parameters_of(model) == pytest.approx(parameters, rel=0.02)
    assert weights_of(model) == pytest.approx(4 * parameters, rel=0.02)


def test_squeezenet_1_0_has_its_published_count():
    from slim.load import load
    from tests.data import data_path

    model = load(data_path("models", "squeezenet-v1.0", "model.onnx"))
    assert sum(layer.macs for layer in layers_of(model)) / 1e6 == pytest.approx(861, rel=0.002)
