"""Which inputs of an MXNet operator are trained parameters, and which are labels that inference drops.

Input 0 is always data; the roles name inputs 1, 2, ... in order, as MXNet does in its default variable names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slim.load.mxnet.symbol import SymbolNode

_BATCH_NORM = ("gamma", "beta", "moving_mean", "moving_var")
_SLOTS: dict[str, tuple[str, ...]] = {
    "Convolution": ("weight", "bias"),
    "Convolution_v1": ("weight", "bias"),
    "Deconvolution": ("weight", "bias"),
    "FullyConnected": ("weight", "bias"),
    "BatchNorm": _BATCH_NORM,
    "BatchNorm_v1": _BATCH_NORM,
    "CuDNNBatchNorm": _BATCH_NORM,
    "InstanceNorm": ("gamma", "beta"),
    "LayerNorm": ("gamma", "beta"),
    "Embedding": ("weight",),
}
LABELLED = frozenset(
    {
        "SoftmaxOutput",
        "Softmax",
        "LinearRegressionOutput",
        "MAERegressionOutput",
        "LogisticRegressionOutput",
        "SVMOutput",
    }
)
"""Loss heads whose second input is a label (`Softmax` is the name of SoftmaxOutput before 0.7)."""


def required_slots(node: SymbolNode) -> tuple[str, ...]:
    """The roles of the node's parameter inputs, with its `no_bias` and `act_type` taken into account."""
    text = node.attributes.get("no_bias", "True" if node.op == "Deconvolution" else "False")
    if node.op == "LeakyReLU":
        return ("gamma",) if node.attributes.get("act_type") == "prelu" else ()
    if node.op == "UpSampling":
        return ("weight",) if node.attributes.get("sample_type") == "bilinear" else ()
    roles = _SLOTS.get(node.op, ())
    return roles[:-1] if "bias" in roles and text.strip().lower() in ("true", "1") else roles
