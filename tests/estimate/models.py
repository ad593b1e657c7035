"""Small models as text, with shapes inferred: what counting is tested on."""

import onnx
import onnx_ir as ir
from onnx import parser, shape_inference

from tests.data import data_path


def model_of(body: str, inputs: str, outputs: str, weights: str = "", opset: int = 21) -> ir.Model:
    """A model from ONNX's text syntax; `weights` are initializers such as `float[2,3] w = {1,2,3,4,5,6}`."""
    head = f'<ir_version: 10, opset_import: ["" : {opset}]>'
    text = f"{head} net ({inputs}) => ({outputs}) {'<' + weights + '>' if weights else ''} {{ {body} }}"
    return ir.from_proto(shape_inference.infer_shapes(parser.parse_model(text), strict_mode=True))


def zeros(name: str, *shape: int, dtype: int = onnx.TensorProto.FLOAT) -> onnx.TensorProto:
    """An initializer of zeros."""
    size = 1
    for dim in shape:
        size *= dim
    return onnx.helper.make_tensor(name, dtype, shape, [0] * size)


def with_weights(body: str, inputs: str, outputs: str, *tensors: onnx.TensorProto) -> ir.Model:
    """A model from ONNX's text syntax and initializers given as tensors."""
    text = f'<ir_version: 10, opset_import: ["" : 21]> net ({inputs}) => ({outputs}) {{ {body} }}'
    proto = parser.parse_model(text)
    proto.graph.initializer.extend(tensors)
    return ir.from_proto(shape_inference.infer_shapes(proto, strict_mode=True))


def network(name: str, shape: tuple[int, ...] | None = None) -> ir.Model:
    """One of the weightless benchmark graphs, with every shape known."""
    from onnx_ir.passes import common

    model = ir.load(data_path("..", "bench", "graphs", f"{name}.onnx"))
    if shape is not None:
        model.graph.inputs[0].shape = ir.Shape(shape)
    common.LiftConstantsToInitializersPass(lift_all_constants=True)(model)
    common.ShapeInferencePass()(model)
    return model
