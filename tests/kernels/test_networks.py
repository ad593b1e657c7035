"""Random small networks on each instruction set of this machine: fp32 against onnxruntime, integers the same bits."""

from __future__ import annotations

from random import Random

import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slim.errors import SlimError
from slim.lower import lower
from slim.runtime import Session
from tests.kernels.build import ISAS
from tests.kernels.networks import KINDS, random_network
from tests.nets import onnxruntime_run

SETTINGS = settings(max_examples=30, deadline=None)


def run_each(program: bytes, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The output on each instruction set that is here."""
    outputs = {}
    for isa in ISAS:
        try:
            session = Session(program, isa=isa)
        except SlimError:
            continue
        outputs[isa] = session.run(feeds)["y"]
        session.close()
    return outputs


@pytest.mark.parametrize("kind", KINDS)
@SETTINGS
@given(random=st.randoms(use_true_random=False))
def test_floats(kind: str, random: Random) -> None:
    model, feeds = random_network(kind, random, integer=False)
    expected = onnxruntime_run(model, feeds)["y"]
    span = max(float(np.abs(expected).max()), 1e-3)
    # Winograd's sums are larger than what a clamp leaves of them; a layer normalization may divide by little
    wide = {"convolution": 3e-5, "square": 6e-5, "small": 3e-5, "halving": 3e-5, "first": 3e-5, "attention": 1e-4}
    tolerance = wide.get(kind, 1e-5)
    for isa, got in run_each(bytes(lower(ir.from_proto(model))), feeds).items():
        np.testing.assert_allclose(got / span, expected / span, rtol=0, atol=tolerance, err_msg=isa)


@pytest.mark.parametrize("kind", ["convolution", "pointwise", "square", "bottleneck", "dense", "large"])
@SETTINGS
@given(random=st.randoms(use_true_random=False))
def test_bf16(kind: str, random: Random) -> None:
    """Rounding two factors to 8 bits moves a product by 2^-8 at most: sums are within that of the sum of sizes."""
    model, feeds = random_network(kind, random, integer=False)
    expected = onnxruntime_run(model, feeds)["y"]
    # products of normal values: single layers are 50 dB and more from fp32, three in a row 40
    for isa, got in run_each(bytes(lower(ir.from_proto(model), arithmetic="bf16")), feeds).items():
        noise = np.mean((got - expected) ** 2)
        assert noise <= 1e-4 * max(np.mean(expected**2), 1e-3), f"{isa}: less than 40 dB"


@pytest.mark.parametrize("kind", KINDS)
@SETTINGS
@given(random=st.randoms(use_true_random=False))
def test_integers(kind: str, random: Random) -> None:
    model, feeds = random_network(kind, random, integer=True)
    outputs = run_each(bytes(lower(ir.from_proto(model))), feeds)
    for isa, got in outputs.items():
        if kind == "attention":  # its products are in fp32
            np.testing.assert_allclose(got, outputs[ISAS[0]], rtol=1e-4, atol=1e-4, err_msg=isa)
        else:
            np.testing.assert_array_equal(got, outputs[ISAS[0]], err_msg=isa)
