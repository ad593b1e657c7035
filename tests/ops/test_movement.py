"""Operators that move elements without looking at them: any type, bit for bit as numpy does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from slim.core.format import Type
from slim.errors import SlimError
from slim.lower.program import NUMPY_TYPES, ProgramBuilder
from slim.runtime import Session
from tests.ops.programs import Given, constant, floats, integers, run, window

DTYPES = [np.float32, np.uint8, np.int8, np.int32, np.int64, np.bool_]
INT_MAX, INT_MIN = 2**31 - 1, -(2**31)
shapes = hnp.array_shapes(min_dims=1, max_dims=6, max_side=5)


def values(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    return integers(0, 1 if dtype is np.bool_ else 127, *shape, dtype=dtype)


def six(prefix: str, numbers: tuple[int, ...]) -> dict[str, int]:
    return {f"{prefix}{i}": numbers[i] if i < len(numbers) else 0 for i in range(6)}


@settings(max_examples=50, deadline=None)
@given(data=st.data(), dtype=st.sampled_from(DTYPES), shape=shapes)
def test_transpose(data: st.DataObject, dtype: type, shape: tuple[int, ...]) -> None:
    order = tuple(data.draw(st.permutations(range(len(shape)))))
    x = values(shape, dtype)
    np.testing.assert_array_equal(run("transpose", [x], NUMPY_TYPES[x.dtype], six("p", order)), x.transpose(order))


@pytest.mark.parametrize("order", [(0, 2, 3, 1), (0, 3, 1, 2), (3, 2, 1, 0), (1, 0, 2, 3), (0, 1, 3, 2)])
def test_transpose_of_images(order: tuple[int, ...]) -> None:
    x = floats(2, 19, 33, 40)
    np.testing.assert_array_equal(run("transpose", [x], attributes=six("p", order)), x.transpose(order))


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize(
    ("wanted", "shape"),
    [((0, -1), (2, 12)), ((4, 3, 2), (4, 3, 2)), ((-1,), (24,)), ((1, 1, 0, 2, 3), (1, 1, 4, 2, 3))],
)
def test_reshape(wanted: tuple[int, ...], shape: tuple[int, ...], fixed: bool) -> None:
    x = floats(2, 3, 4)
    result = run("reshape", [constant(x) if fixed else x], attributes={"rank": len(wanted), **six("d", wanted)})
    np.testing.assert_array_equal(result, x.reshape(shape))


@pytest.mark.parametrize("wanted", [(5,), (-1, -1), (-1, 7), (0, 0, 0, 0), (-2, 12), (2**31 - 1, 2**31 - 1, 2**31 - 1)])
def test_a_reshape_to_another_number_of_elements_is_refused(wanted: tuple[int, ...]) -> None:
    with pytest.raises(SlimError, match="shape"):
        run("reshape", [floats(2, 3, 4)], attributes={"rank": len(wanted), **six("d", wanted)})


@settings(max_examples=50, deadline=None)
@given(data=st.data(), dtype=st.sampled_from(DTYPES), shape=shapes)
def test_concat(data: st.DataObject, dtype: type, shape: tuple[int, ...]) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    parts = []
    for _ in range(data.draw(st.integers(1, 4))):
        own = list(shape)
        own[axis] = data.draw(st.integers(1, 5))
        parts.append(values(tuple(own), dtype))
    result = run("concat", parts, NUMPY_TYPES[np.dtype(dtype)], {"axis": axis})
    np.testing.assert_array_equal(result, np.concatenate(parts, axis))


@pytest.mark.parametrize(("shape", "axis"), [((2, 6, 5, 20), 3), ((1, 6, 5, 20), 1), ((1, 1, 5, 20), 2)])
def test_producers_write_into_the_concatenation(shape: tuple[int, ...], axis: int) -> None:
    """Pools with one reader write rows of the output; an input that is read twice and a program's input are copied."""
    builder = ProgramBuilder()
    x = builder.input("x", Type.F32, shape)
    pooled = [builder.operator("max_pool", [x], Type.F32, window((3, 3), pads=(1, 1, 1, 1))) for _ in range(3)]
    y = builder.operator("concat", [pooled[0], x, pooled[1], pooled[2], pooled[2]], Type.F32, {"axis": axis}, name="y")
    value = floats(*shape)
    result = Session(bytes(builder.finish([y]))).run({"x": value})["y"]
    pool = run("max_pool", [value], attributes=window((3, 3), pads=(1, 1, 1, 1)))
    np.testing.assert_array_equal(result, np.concatenate([pool, value, pool, pool, pool], axis))


def test_a_concatenation_of_different_scales_is_refused() -> None:
    one, other = (Given(integers(0, 255, 3), scale=scale) for scale in (0.5, 0.25))
    with pytest.raises(SlimError, match="quantized"):
        run("concat", [one, other], Type.U8, {"axis": 0}, scale=0.5)


edges = st.one_of(st.integers(-7, 7), st.sampled_from([INT_MAX, INT_MIN]))


@settings(max_examples=100, deadline=None)
@given(
    data=st.data(),
    dtype=st.sampled_from(DTYPES),
    shape=shapes,
    start=edges,
    end=edges,
    step=st.sampled_from([1, 1, 2, 3, -1, -2, INT_MAX, INT_MIN]),
)
def test_slice(data: st.DataObject, dtype: type, shape: tuple[int, ...], start: int, end: int, step: int) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    x = values(shape, dtype)
    index = [slice(None)] * len(shape)
    # numpy has no way to write "to before the first" but None
    index[axis] = slice(start, None if end == INT_MIN and step < 0 else end, step)
    expected, attributes = x[tuple(index)], {"axis": axis, "start": start, "end": end, "step": step}
    if expected.size == 0:
        with pytest.raises(SlimError, match="empty"):
            run("slice", [x], NUMPY_TYPES[x.dtype], attributes)
        return
    np.testing.assert_array_equal(run("slice", [x], NUMPY_TYPES[x.dtype], attributes), expected)


@settings(max_examples=50, deadline=None)
@given(
    data=st.data(),
    dtype=st.sampled_from(DTYPES),
    shape=hnp.array_shapes(min_dims=1, max_dims=4, max_side=5),
    mode=st.sampled_from([0, 1, 2]),
)
def test_pad(data: st.DataObject, dtype: type, shape: tuple[int, ...], mode: int) -> None:
    widths = [tuple(data.draw(st.integers(0, min(3, n - 1) if mode == 1 else 3)) for _ in range(2)) for n in shape]
    x = values(shape, dtype)
    value = {np.float32: -2.5, np.int8: -3, np.int32: -70000, np.int64: -5, np.bool_: 1}.get(dtype, 200)
    bits = int(np.array([value], np.float32).view(np.int32)[0]) if dtype is np.float32 else value
    attributes = {
        **six("b", tuple(w[0] for w in widths)),
        **six("e", tuple(w[1] for w in widths)),
        "mode": mode,
        "value": bits,
    }
    expected = (
        np.pad(x, widths, constant_values=value) if mode == 0 else np.pad(x, widths, mode=("", "reflect", "edge")[mode])
    )
    np.testing.assert_array_equal(run("pad", [x], NUMPY_TYPES[x.dtype], attributes), expected)


def test_a_reflection_longer_than_its_axis_is_refused() -> None:
    attributes = {**six("b", (3,)), **six("e", ()), "mode": 1, "value": 0}
    with pytest.raises(SlimError, match="reflected"):
        run("pad", [floats(3)], attributes=attributes)


@settings(max_examples=40, deadline=None)
@given(
    data=st.data(),
    dtype=st.sampled_from(DTYPES),
    shape=hnp.array_shapes(min_dims=1, max_dims=3, max_side=5),
    fixed=st.booleans(),
)
def test_gather(data: st.DataObject, dtype: type, shape: tuple[int, ...], fixed: bool) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    of = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))
    n = shape[axis]
    indices = integers(-n, n - 1, *of, dtype=data.draw(st.sampled_from([np.int32, np.int64])))
    x = values(shape, dtype)
    result = run("gather", [x, constant(indices) if fixed else indices], NUMPY_TYPES[x.dtype], {"axis": axis})
    np.testing.assert_array_equal(result, np.take(x, indices, axis))


def test_indices_out_of_range_stay_inside() -> None:
    x, indices = np.arange(4, dtype=np.int32), np.array([-(2**62), -5, 4, 2**62])
    np.testing.assert_array_equal(run("gather", [x, indices], Type.I32, {"axis": 0}), [0, 0, 3, 3])


@settings(max_examples=40, deadline=None)
@given(
    pair=hnp.mutually_broadcastable_shapes(num_shapes=2, min_dims=1, max_dims=6, max_side=4),
    dtype=st.sampled_from(DTYPES),
)
def test_expand(pair: hnp.BroadcastableShapes, dtype: type) -> None:
    x, wanted = values(pair.input_shapes[0], dtype), pair.input_shapes[1]
    result = run("expand", [x], NUMPY_TYPES[x.dtype], {"rank": len(wanted), **six("d", wanted)})
    np.testing.assert_array_equal(result, np.broadcast_to(x, pair.result_shape))


@pytest.mark.parametrize("dtype", DTYPES)
def test_select(dtype: type) -> None:
    condition, a, b = integers(0, 1, 3, 50, dtype=np.bool_), values((3, 50), dtype), values((3, 50), dtype)
    result = run("select", [condition, a, b], NUMPY_TYPES[a.dtype])
    np.testing.assert_array_equal(result, np.where(condition, a, b))


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_select_of_other_shapes_or_types_is_refused(broken: int) -> None:
    operands = [integers(0, 1, 4, dtype=np.bool_), floats(4), floats(4)]
    for other in (floats(5), integers(0, 1, 4)):
        with pytest.raises(SlimError):
            run("select", [*operands[:broken], other, *operands[broken + 1 :]])
