"""Weights rounded with regard to what they are multiplied with, rather than each to its nearest.

For each layer the calibration samples give moments of its inputs, as the float model computes them (x) and as the
integer layer reads them (q). Weights are rounded one input at a time while the inputs still to come absorb the error
(GPTQ, Frantar et al. 2022, arXiv 2210.17323); then the bias takes up what is left on average.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from slim.quantize.executor import Array, run_all
from slim.quantize.patches import columns
from slim.quantize.plan import Plan
from slim.quantize.ranges import QParams, quantize_array

POSITIONS = 128  # output positions drawn from each sample
RIDGE = 0.01  # of the mean diagonal of the second moments
RIDGE_FEW = 0.5  # more of it, times inputs over positions
RIDGE_POWER = 1e-5  # of the mean square: inputs that never vary leave only float32's rounding in their covariance
MOST_MOMENTS = 1 << 24  # numbers held at a time; more layers than that take another pass over the samples
BLOCK = 32  # inputs rounded before their errors are handed on to those further behind
MOST_INPUTS = 2048  # a layer with more inputs per output is rounded to nearest

Floats = npt.NDArray[np.float64]


@dataclass
class Moments:
    """Sums over positions of one layer's input columns: x the float ones, q the quantized ones."""

    qq: Floats  # (G, K, K) q q^T
    x: Floats  # (G, K)
    q: Floats  # (G, K)
    count: int = 0

    @classmethod
    def zeros(cls, groups: int, inputs: int) -> Moments:
        square, line = (groups, inputs, inputs), (groups, inputs)
        return cls(np.zeros(square), np.zeros(line), np.zeros(line))

    def add(self, x: npt.NDArray[np.float32], q: npt.NDArray[np.float32]) -> None:
        self.qq += q @ q.transpose(0, 2, 1)
        self.x += x.sum(axis=2)
        self.q += q.sum(axis=2)
        self.count += x.shape[2]


def moments_of(
    model: ir.Model,
    samples: Iterable[Mapping[str, Array]],
    nodes: Sequence[ir.Node],
    plan: Plan,
    params: Mapping[ir.Value, QParams],
) -> dict[ir.Node, Moments]:
    """Moments of the inputs of `nodes` over all samples, in one pass."""
    inputs = {node: node.inputs[0] for node in nodes}
    names = sorted({value.name for value in inputs.values() if value is not None and value.name is not None})
    run = run_all(model, names)
    found = {node: Moments.zeros(*shape_of(node)) for node in nodes}
    for number, feeds in enumerate(samples):
        values = run(feeds)
        for node, value in inputs.items():
            assert value is not None
            assert value.name is not None
            x = columns(node, values[value.name], POSITIONS, np.random.default_rng(number))
            chosen = params[plan.group[value]]
            q = (quantize_array(x, chosen).astype(np.float32) - chosen.zero_point) * np.float32(chosen.scale)
            found[node].add(x, q)
    return found


def shape_of(node: ir.Node) -> tuple[int, int]:
    """(groups, inputs of each output) of a Conv, Gemm or MatMul."""
    weight = node.inputs[1]
    assert weight is not None
    assert weight.const_value is not None
    shape = list(weight.const_value.shape.numpy())
    if node.op_type == "Conv":
        return node.attributes.get_int("group", 1), int(np.prod(shape[1:]))
    return 1, shape[1] if node.attributes.get_int("transB", 0) else shape[0]


def batches(nodes: Sequence[ir.Node]) -> list[list[ir.Node]]:
    """The layers in runs whose moments fit in memory together; layers that are too large are left out."""
    result: list[list[ir.Node]] = [[]]
    held = 0
    for node in nodes:
        groups, inputs = shape_of(node)
        if inputs > MOST_INPUTS:
            continue
        cost = groups * inputs * inputs
        if held and held + cost > MOST_MOMENTS:
            result.append([])
            held = 0
        result[-1].append(node)
        held += cost
    return [batch for batch in result if batch]


def covariance(moments: Moments) -> Floats:
    """(G, K, K) of the quantized inputs: the bias takes care of means."""
    mean = moments.q / moments.count
    return moments.qq / moments.count - mean[:, :, None] * mean[:, None, :]


def round_rows(
    rows: npt.NDArray[np.float32], scales: npt.NDArray[np.float32], moments: Moments, bits: int
) -> npt.NDArray[np.int8]:  # fmt: skip
    """Integers (O, K) on `scales` (O,): inputs in the order of falling power, each error handed to those to come."""
    limit = 2 ** (bits - 1) - 1
    groups, inputs = moments.q.shape
    weights = rows.reshape(groups, -1, inputs).astype(np.float64)
    unit = scales.astype(np.float64).reshape(groups, -1)
    qq = covariance(moments)
    damped = qq + _diagonal(_damping(moments, qq), inputs)
    order = np.argsort(-np.diagonal(damped, axis1=1, axis2=2), axis=1)  # (G, K)
    weights = np.take_along_axis(weights, order[:, None, :], axis=2)
    damped = np.take_along_axis(np.take_along_axis(damped, order[:, :, None], axis=1), order[:, None, :], axis=2)
    spread = _spread(damped)
    steps = np.empty_like(weights)
    for start in range(0, inputs, BLOCK):  # a block's errors reach the inputs behind it in one product
        stop = min(start + BLOCK, inputs)
        errors = np.empty((*weights.shape[:2], stop - start))
        for position in range(start, stop):
            column = weights[:, :, position]
            steps[:, :, position] = np.clip(np.round(column / unit), -limit, limit)
            error = (column - steps[:, :, position] * unit) / spread[:, None, position, position]
            weights[:, :, position + 1 : stop] -= error[:, :, None] * spread[:, None, position, position + 1 : stop]
            errors[:, :, position - start] = error
        weights[:, :, stop:] -= errors @ spread[:, start:stop, stop:]
    restored = np.empty_like(steps)
    np.put_along_axis(restored, np.broadcast_to(order[:, None, :], steps.shape), steps, axis=2)
    return restored.reshape(rows.shape).astype(np.int8)


def bias_shift(rows: npt.NDArray[np.float32], dequantized: Floats, moments: Moments) -> Floats:
    """(O,) what the mean output loses between float weights on x and `dequantized` weights on q."""
    groups, inputs = moments.q.shape
    x, q = moments.x / moments.count, moments.q / moments.count
    before = np.einsum("gok,gk->go", rows.reshape(groups, -1, inputs), x)
    after = np.einsum("gok,gk->go", dequantized.reshape(groups, -1, inputs), q)
    shift: Floats = (before - after).ravel()
    return shift


def _damping(moments: Moments, qq: Floats) -> Floats:
    """(G, 1): the ridge. It grows where there are few positions for many inputs, which would be fitted by heart."""
    mean = np.diagonal(qq, axis1=1, axis2=2).mean(axis=1, keepdims=True)
    power = np.diagonal(moments.qq, axis1=1, axis2=2).mean(axis=1, keepdims=True) / moments.count
    share = RIDGE + RIDGE_FEW * qq.shape[1] / moments.count
    return np.where(power > 0, share * np.maximum(mean, 0) + RIDGE_POWER * power, 1.0)


def _spread(damped: Floats) -> Floats:
    """(G, K, K): the upper triangular factor of the inverse.

    With very few samples the covariance is so close to singular that rounding can make it indefinite: the ridge grows.
    """
    power = np.diagonal(damped, axis1=1, axis2=2).mean(axis=1, keepdims=True)
    for ridge in (0.0, 1e-6, 1e-4, 1e-2, 1.0):
        try:
            inverse = np.linalg.inv(damped + _diagonal(ridge * power, damped.shape[1]))
            factor: Floats = np.linalg.cholesky(inverse).transpose(0, 2, 1)
        except np.linalg.LinAlgError:
            continue
        return factor
    return np.broadcast_to(np.eye(damped.shape[1]), damped.shape)  # no errors are handed on: plain rounding


def _diagonal(damping: Floats, inputs: int) -> Floats:
    return damping[:, :, None] * np.eye(inputs)
