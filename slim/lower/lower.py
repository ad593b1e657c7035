"""The walk over the graph: every node by its rule, all problems collected, inputs and outputs as the graph has them."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from slim.core.format import Type
from slim.errors import Problem, SlimError, UnsupportedError

# the modules of rules register themselves in RULES
from slim.lower import (  # noqa: F401
    convolution,
    dense,
    elementwise,
    logic,
    movement,
    normalization,
    pooling,
    quantization,
    recurrent,
    reduction,
    upsampling,
)
from slim.lower.activations import quantizer
from slim.lower.arithmetic import check_arithmetic
from slim.lower.context import Lowering, element_type, where
from slim.lower.movement import requantized
from slim.lower.rules import RULES
from slim.lower.storage import check_weights


def lower(
    model: ir.Model, name: str = "", *, optimize: str = "speed", weights: str = "fp32", arithmetic: str = "fp32"
) -> bytearray:
    """The `.slim` program of a simplified model (opset 21, static shapes, quantized operators as QDQ).

    `optimize` is "speed", or "size": convolutions and dense layers then take no memory to save multiplications.
    `weights` is "fp32", "fp16" or "bf16": in 16 bits, float weights take half the bytes in the program; in a session's
    arena they are fp32. `arithmetic` is "fp32", or "bf16": float convolutions and dense layers that gain from it round
    their inputs and weights to bf16, and sum in fp32.

    Raises:
        UnsupportedError: operators, types or shapes that the core does not run, every one of them.
    """
    check_weights(weights)
    check_arithmetic(arithmetic)
    low, problems = _walk(model, name, winograd=optimize == "speed", weights=weights, bf16=arithmetic == "bf16")
    if problems:
        raise UnsupportedError(problems)
    return low.builder.finish(_outputs(low))


def unsupported(model: ir.Model) -> list[Problem]:
    """What `lower` would raise."""
    return _walk(model, "")[1]


def _walk(
    model: ir.Model, name: str, *, winograd: bool = True, weights: str = "fp32", bf16: bool = False
) -> tuple[Lowering, list[Problem]]:
    low = Lowering(model, name or model.graph.name or "", winograd=winograd, weights=weights, bf16=bf16)
    problems = _missing_rules(model)
    if not any(not value.is_initializer() for value in model.graph.inputs):
        problems.append(Problem("has no inputs: its outputs are constants", "the network", "there is nothing to run"))
    if problems:
        return low, problems
    try:
        _place_inputs(low)
    except SlimError as error:
        return low, list(error.problems)
    failed: set[ir.Value] = set()
    for node in model.graph:
        if node in low.done or _is_constant(low, node):
            continue
        if any(value in failed for value in node.inputs):
            failed.update(node.outputs)
            continue
        try:
            RULES[node.op_type](low, node)
        except SlimError as error:
            problems += error.problems
            failed.update(node.outputs)
    return low, problems


def _missing_rules(model: ir.Model) -> list[Problem]:
    """One problem for each kind of operator that has no rule, with the nodes that are of it."""
    nodes: dict[str, list[str]] = {}
    for node in model.graph:
        standard = node.domain in ("", "ai.onnx")
        if (standard and node.op_type in RULES) or node.op_type == "Constant":
            continue
        kind = node.op_type if standard else f"{node.domain}.{node.op_type}"
        nodes.setdefault(kind, []).append(node.name or node.outputs[0].name or "?")
    return [
        Problem(
            f"the core has no such operator ({_count(names)})",
            f"operator {kind}",
            "see `slim ops`",
        )
        for kind, names in sorted(nodes.items())
    ]


def _count(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")
    return f"{len(names)} node{'s' if len(names) > 1 else ''}: {shown}"


def _is_constant(low: Lowering, node: ir.Node) -> bool:
    """Constants are placed when somebody reads them."""
    return node.op_type == "Constant" or (
        node.op_type == "DequantizeLinear" and low.quantized_constant(node.outputs[0]) is not None
    )


def _place_inputs(low: Lowering) -> None:
    for value in low.model.graph.inputs:
        if value.is_initializer():
            continue
        kind = element_type(value)
        scale, zero_point = _input_quantization(low, value) if kind in (Type.U8, Type.I8) else (0.0, 0)
        tensor = low.builder.input(value.name or "", kind, low.shape(value), scale=scale, zero_point=zero_point)
        if kind is Type.I8 and scale:
            tensor = requantized(low, tensor, scale, zero_point + 128)
        low.put(value, tensor)


def _input_quantization(low: Lowering, value: ir.Value) -> tuple[float, int]:
    """An 8-bit input that a DequantizeLinear reads has that scale and zero point."""
    for node, _ in value.uses():
        if node.op_type == "DequantizeLinear":
            scale = low.constant(node.inputs[1])
            zero = low.constant(node.inputs[2]) if len(node.inputs) > 2 else np.zeros((), np.int8)
            if scale is not None and zero is not None and scale.size == 1:
                return float(scale.reshape(())), int(zero.reshape(()))
    return 0.0, 0


def _outputs(low: Lowering) -> list[int]:
    """Each output as the graph declares it: plain order, its own type, under its name."""
    outputs = []
    for value in low.model.graph.outputs:
        kind = element_type(value)
        producer = value.producer()
        if kind in (Type.U8, Type.I8) and low.is_quantized(value):
            tensor = low.get(value, quantized=True)
            found = quantizer(low, producer) if producer is not None else None
            if kind is Type.I8 and found is not None:
                tensor = requantized(low, tensor, float(found[0]), found[1] - 128, Type.I8)
        else:
            tensor = low.get(value)
        if tensor in outputs or low.builder.is_fixed(tensor):
            shape = list(low.shape(value))
            tensor = low.reshape(tensor, shape, where(producer) if producer is not None else "output")
        low.builder.rename(tensor, value.name or "")
        outputs.append(tensor)
    return outputs
