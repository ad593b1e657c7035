"""Products in bf16: what is rounded, against sums in double precision of the same rounded numbers, everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from slim.core.format import Type
from slim.errors import SlimError
from slim.lower import panels
from slim.runtime import ISAS, Session
from tests.ops.programs import Operand, constant, floats, program, run, window
from tests.ops.reference import first_channel, judge, last_channel
from tests.ops.sliding import Sliding, pairs, slidings

FREE = {"lo": -np.inf, "hi": np.inf}


def rounded(values: np.ndarray) -> np.ndarray:
    """To the nearest bf16, ties to even; subnormal numbers are zero."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    nearest = ((bits.astype(np.uint64) + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32)
    return np.where(bits & 0x7F800000, nearest, bits & 0x80000000).astype(np.uint32).view(np.float32)


def weights(array: np.ndarray) -> Operand:
    """(O, taps, K) as the operators take them."""
    packed = panels.gemm_bf16(array)
    assert packed is not None
    return constant(packed)


def run_each(kind: str, operands: list[Operand], attributes: dict[str, float]) -> np.ndarray:
    """The result on the best instruction set, near which all others must be; on each it is the same for any threads."""
    best = run(kind, operands, attributes=attributes)
    image, feeds = program(kind, operands, (Type.F32,), attributes)
    span = max(float(np.abs(best).max()), 1e-3)
    for isa in ISAS:
        results = []
        for threads in (1, 2):
            try:
                session = Session(image, threads=threads, isa=isa)
            except SlimError:
                continue  # not on this processor
            results.append(session.run(feeds)["y0"])
            session.close()
        for result in results:
            np.testing.assert_array_equal(result, results[0])
            np.testing.assert_allclose(result / span, best / span, rtol=0, atol=1e-5, err_msg=isa)
    return best


def assert_near(got: np.ndarray, expected: np.ndarray, unclamped: np.ndarray) -> None:
    """Within 1e-5 of the range."""
    span = max(float(np.abs(unclamped).max()), 1e-3)
    np.testing.assert_allclose(got / span, expected / span, rtol=0, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    batch=st.integers(1, 3),
    slides=slidings((20, 20), pairs(5, 5), (3, 3), (3, 3), 4),
    channels=st.integers(1, 70),
    outputs=st.integers(1, 70),
    residual=st.booleans(),
    clamp=st.booleans(),
)
def test_convolution(batch: int, slides: Sliding, channels: int, outputs: int, residual: bool, clamp: bool) -> None:
    x, w, b = floats(batch, *slides.size, channels), floats(outputs, channels, *slides.kernel), floats(outputs)
    values = [first_channel(rounded(x)), rounded(w), b]
    expected = last_channel(judge("Conv", values, **slides.onnx)[0])
    more = floats(*expected.shape)
    unclamped = expected + more if residual else expected
    limits = {"lo": -0.5, "hi": 6.0} if clamp else FREE
    packed = weights(w.reshape(outputs, channels, -1).transpose(0, 2, 1))
    operands = [x, packed, constant(panels.vector(b))] + [more] * residual
    attributes = {**slides.attributes, "out_channels": outputs, **limits}
    assert_near(run_each("conv_bf16", operands, attributes), unclamped.clip(limits["lo"], limits["hi"]), unclamped)


@settings(max_examples=40, deadline=None)
@given(
    rows=hnp.array_shapes(min_dims=1, max_dims=3, max_side=9),
    k=st.sampled_from([1, 5, 17, 64, 130]),
    n=st.sampled_from([1, 16, 17, 130, 300]),
    residual=st.booleans(),
    clamp=st.booleans(),
)
def test_dense(rows: tuple[int, ...], k: int, n: int, residual: bool, clamp: bool) -> None:
    x, w, b, more = floats(*rows, k), floats(n, k), floats(n), floats(*rows, n)
    operands = [x, weights(w[:, None]), constant(panels.vector(b))] + [more] * residual
    limits = {"lo": -0.5, "hi": 6.0} if clamp else FREE
    unclamped = rounded(x).astype(np.float64) @ rounded(w).T + b + (more if residual else 0)
    got = run_each("dense_bf16", operands, {"out_channels": n, **limits})
    assert_near(got, unclamped.clip(limits["lo"], limits["hi"]), unclamped)


@pytest.mark.parametrize(("rows", "k", "n"), [(600, 33, 20), (1, 1030, 700), (300, 4096, 40)])
def test_dense_of_more_than_a_strip(rows: int, k: int, n: int) -> None:
    x, w, b = floats(rows, k), floats(n, k), floats(n)
    expected = rounded(x).astype(np.float64) @ rounded(w).T + b
    got = run_each("dense_bf16", [x, weights(w[:, None]), constant(panels.vector(b))], {"out_channels": n, **FREE})
    assert_near(got, expected, expected)


def test_infinities_stay_and_small_numbers_are_zero() -> None:
    x = np.zeros((6, 3), np.float32)
    x[0], x[1, 1], x[2, 2], x[3, 0], x[4, 0] = 1.00390625, np.nan, np.inf, 1e-39, 3.4e38
    ones = weights(np.ones((1, 1, 3), np.float32))
    got = run_each_bits([x, ones, constant(panels.vector(np.zeros(1, np.float32)))])
    # clamps take what is no number for their lower end, as in fp32
    np.testing.assert_array_equal(got[:, 0], np.float32([3, -np.inf, np.inf, 0, np.inf, 0]))


def run_each_bits(operands: list[Operand]) -> np.ndarray:
    """A dense layer's result, the same on every instruction set."""
    image, feeds = program("dense_bf16", operands, (Type.F32,), {"out_channels": 1, **FREE})
    results = []
    for isa in ISAS:
        try:
            session = Session(image, isa=isa)
        except SlimError:
            continue
        results.append(session.run(feeds)["y0"])
        session.close()
    for result in results:
        np.testing.assert_array_equal(result, results[0])
    return results[0]


def test_weights_that_overflow_have_no_panel() -> None:
    assert panels.gemm_bf16(np.full((1, 1, 2), 3.4e38, np.float32)) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kernel_h": 2}, "do not fit"),
        ({"out_channels": 33}, "do not fit"),
        ({"out_channels": 0}, "no output channels"),
        ({"stride_h": 0}, "window"),
    ],
)
def test_a_convolution_that_does_not_fit_is_refused(change: dict[str, int], words: str) -> None:
    operands = [floats(1, 5, 5, 6), weights(floats(32, 9, 6)), constant(floats(32))]
    with pytest.raises(SlimError, match=words):
        run("conv_bf16", operands, attributes={**window((3, 3)), "out_channels": 32, **FREE, **change})


@pytest.mark.parametrize(
    "operands",
    [
        [floats(4, 6), constant(panels.gemm_f32(floats(32, 6))), constant(floats(32))],
        [floats(4, 7), weights(floats(32, 1, 5)), constant(floats(32))],
        [floats(4, 6), weights(floats(32, 1, 6)), constant(floats(16))],
        [floats(4, 6), weights(floats(32, 1, 6)), constant(floats(32)), floats(4, 31)],
    ],
    ids=["fp32 weights", "channels", "bias", "residual"],
)
def test_a_dense_layer_that_does_not_fit_is_refused(operands: list[Operand]) -> None:
    with pytest.raises(SlimError, match="dense_bf16"):
        run("dense_bf16", operands, attributes={"out_channels": 32, **FREE})
