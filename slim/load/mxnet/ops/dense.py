"""FullyConnected, dot, batch_dot and Embedding."""

from __future__ import annotations

import math

import onnx_ir as ir

from slim.load.mxnet.attributes import UntranslatableError
from slim.load.mxnet.node import NodeView, dims


def fully_connected(node: NodeView) -> list[ir.Value]:
    """Gemm on (N, K), or MatMul over the last axis with flatten=False; weight (O, K), bias (O)."""
    x = node.input()
    hidden = node.attributes.integer("num_hidden")
    shape = dims(x)
    flatten = node.attributes.flag("flatten", True) or len(shape) <= 2
    inner = math.prod(shape[1:]) if flatten else shape[-1]
    weight = node.parameter(1, (hidden, inner))
    bias = None if node.attributes.flag("no_bias", False) else node.parameter(2, (hidden,))
    if flatten:
        flat = node.reshape(x, (shape[0], inner)) if len(shape) < 2 else x
        flat = node.op("Flatten", [flat], (shape[0], inner), axis=1) if len(shape) > 2 else flat
        inputs = [flat, weight] + ([bias] if bias is not None else [])
        return [node.op("Gemm", inputs, (shape[0], hidden), transB=1)]
    product = node.op("MatMul", [x, node.transpose(weight, (1, 0))], (*shape[:-1], hidden))
    return [product if bias is None else node.op("Add", [product, bias], product)]


def dot(node: NodeView) -> list[ir.Value]:
    """Product of two matrices (`dot`), or of two batches of them (`batch_dot`)."""
    a, b = node.input(0), node.input(1)
    rank = 3 if node.op_type == "batch_dot" else 2
    if len(dims(a)) != rank or len(dims(b)) != rank:
        raise UntranslatableError(f"operands of shapes {dims(a)} and {dims(b)} are not matrices")
    order = (0, 2, 1) if rank == 3 else (1, 0)
    a = node.transpose(a, order) if node.attributes.flag("transpose_a", False) else a
    b = node.transpose(b, order) if node.attributes.flag("transpose_b", False) else b
    if dims(a)[-1] != dims(b)[-2] or dims(a)[:-2] != dims(b)[:-2]:
        raise UntranslatableError(f"matrices of shapes {dims(a)} and {dims(b)} do not multiply")
    return [node.op("MatMul", [a, b], (*dims(a)[:-1], dims(b)[-1]))]


def embedding(node: NodeView) -> list[ir.Value]:
    """Gather of rows of the weight (input_dim, output_dim) by indices, which MXNet holds as floats."""
    rows, width = node.attributes.integer("input_dim"), node.attributes.integer("output_dim")
    x = node.input()
    index = node.op("Cast", [x], x, ir.DataType.INT64, to=int(ir.DataType.INT64))
    weight = node.parameter(1, (rows, width))
    return [node.op("Gather", [weight, index], (*dims(x), width), axis=0)]
