"""Writes the trained digits network as ONNX (opset 13) and as MXNet 1.x symbol and params files.

Both keep batch normalisation as training left it, so that slim's passes have something to fold.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from network import BN_EPSILON, BatchNorm, Conv, Dense, GlobalAveragePool, Layer, MaxPool, Relu, Residual, flat
from onnx import TensorProto, helper, numpy_helper

MXNET_VERSION = 10901
LIST_MAGIC = 0x112  # src/ndarray/ndarray.cc: kMXAPINDArrayListMagic
NDARRAY_V2_MAGIC = 0xF993FAC9


def single(array: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The array as the files hold it."""
    return np.ascontiguousarray(array, np.float32)


def parameters(layers: list[Layer]) -> dict[str, npt.NDArray[np.float32]]:
    """Every array by its MXNet name: `arg:conv1_weight`, `aux:bn1_moving_mean`, ..."""
    found = {}
    for layer in flat(layers):
        found |= {f"arg:{layer.name}_{key}": single(array) for key, array in layer.params.items()}
        if isinstance(layer, BatchNorm):
            found[f"aux:{layer.name}_moving_mean"] = single(layer.mean)
            found[f"aux:{layer.name}_moving_var"] = single(layer.var)
    return found


def write_onnx(layers: list[Layer], path: Path) -> None:
    """`data` (1, 1, 8, 8) to `probabilities` (1, 10)."""
    nodes: list[onnx.NodeProto] = []

    def add(operator: str, name: str, inputs: list[str], **attributes: object) -> str:
        nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def walk(layers: list[Layer], x: str) -> str:
        for layer in layers:
            name = layer.name
            if isinstance(layer, Conv):
                group = len(layer.params["weight"]) if layer.depthwise else 1
                shape = {"kernel_shape": [layer.k] * 2, "pads": [layer.k // 2] * 4, "group": group}
                x = add("Conv", name, [x, f"{name}_weight"], **shape)
            elif isinstance(layer, BatchNorm):
                keys = ("gamma", "beta", "moving_mean", "moving_var")
                x = add("BatchNormalization", name, [x, *(f"{name}_{key}" for key in keys)], epsilon=BN_EPSILON)
            elif isinstance(layer, Relu):
                x = add("Relu", name, [x])
            elif isinstance(layer, MaxPool):
                x = add("MaxPool", name, [x], kernel_shape=[2, 2], strides=[2, 2])
            elif isinstance(layer, GlobalAveragePool):
                x = add("GlobalAveragePool", name, [x])
            elif isinstance(layer, Residual):
                x = add("Add", name, [x, walk(layer.branch, x)])
            elif isinstance(layer, Dense):
                flattened = add("Flatten", "flatten", [x])
                x = add("Gemm", name, [flattened, f"{name}_weight", f"{name}_bias"], transB=1)
        return x

    add("Softmax", "probabilities", [walk(layers, "data")], axis=1)
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(array, name.split(":")[1]) for name, array in parameters(layers).items()],
    )
    model = helper.make_model(graph, producer_name="slim examples", opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def write_mxnet(layers: list[Layer], symbol: Path, params: Path) -> None:
    """The symbol as `Symbol.save` of MXNet 1.9.1 writes it, ending in SoftmaxOutput; the params as `nd.save` does."""
    arrays = parameters(layers)
    nodes: list[dict[str, object]] = []

    def node(operator: str, name: str, inputs: list[list[int]], **attributes: object) -> list[int]:
        entry: dict[str, object] = {"op": operator, "name": name, "inputs": inputs}
        if attributes:
            entry["attrs"] = {key: str(value) for key, value in attributes.items()}
        nodes.append(entry)
        return [len(nodes) - 1, 0, 0]

    def variables(layer: Layer, *keys: str) -> list[list[int]]:
        return [node("null", f"{layer.name}_{key}", []) for key in keys]

    def walk(layers: list[Layer], x: list[int]) -> list[int]:
        for layer in layers:
            name = layer.name
            if isinstance(layer, Conv):
                filters = len(layer.params["weight"])
                x = node(
                    "Convolution", name, [x, *variables(layer, "weight")],
                    kernel=(layer.k,) * 2, pad=(layer.k // 2,) * 2, num_filter=filters,
                    num_group=filters if layer.depthwise else 1, no_bias=True,
                )  # fmt: skip
            elif isinstance(layer, BatchNorm):
                inputs = variables(layer, "gamma", "beta", "moving_mean", "moving_var")
                for auxiliary in inputs[2:]:
                    auxiliary[2] = 1
                x = node("BatchNorm", name, [x, *inputs], eps=BN_EPSILON, fix_gamma=False)
            elif isinstance(layer, Relu):
                x = node("Activation", name, [x], act_type="relu")
            elif isinstance(layer, MaxPool):
                x = node("Pooling", name, [x], kernel=(2, 2), stride=(2, 2), pool_type="max")
            elif isinstance(layer, GlobalAveragePool):
                x = node("Pooling", name, [x], kernel=(1, 1), global_pool=True, pool_type="avg")
            elif isinstance(layer, Residual):
                x = node("elemwise_add", name, [x, walk(layer.branch, x)])
            elif isinstance(layer, Dense):
                flattened = node("Flatten", "flatten", [x])
                hidden = len(layer.params["bias"])
                x = node("FullyConnected", name, [flattened, *variables(layer, "weight", "bias")], num_hidden=hidden)
        return x

    logits = walk(layers, node("null", "data", [], __shape__=(1, 1, 8, 8)))
    head = node("SoftmaxOutput", "softmax", [logits, node("null", "softmax_label", [])])
    graph = {
        "nodes": nodes,
        "arg_nodes": [i for i, entry in enumerate(nodes) if entry["op"] == "null"],
        "node_row_ptr": list(range(len(nodes) + 1)),
        "heads": [head],
        "attrs": {"mxnet_version": ["int", MXNET_VERSION]},
    }
    symbol.write_text(json.dumps(graph, indent=2) + "\n", encoding="utf-8")
    params.write_bytes(params_bytes(arrays))


def params_bytes(arrays: dict[str, npt.NDArray[np.float32]]) -> bytes:
    """MXNet's list of named arrays, each NDArray V2: storage type, shape, context (cpu 0), type (0: float32), data."""
    parts = [struct.pack("<QQQ", LIST_MAGIC, 0, len(arrays))]
    for array in arrays.values():
        parts.append(struct.pack(f"<IiI{array.ndim}q", NDARRAY_V2_MAGIC, 0, array.ndim, *array.shape))
        parts.append(struct.pack("<iii", 1, 0, 0))
        parts.append(array.tobytes())
    parts.append(struct.pack("<Q", len(arrays)))
    for name in arrays:
        parts.append(struct.pack("<Q", len(name)) + name.encode())
    return b"".join(parts)
