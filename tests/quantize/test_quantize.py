"""`quantize` on small networks: what is written into the graph, how close it stays, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from slim.errors import SlimError
from slim.quantize import quantize
from slim.quantize.calibrate import observe
from slim.quantize.equalize import equalize
from slim.quantize.plan import make_plan
from tests.quantize.nets import Array, Step, build, mobile_net, run, sqnr

RANDOM = np.random.default_rng(7)


def kinds(model: ir.Model) -> dict[str, int]:
    found: dict[str, int] = {}
    for node in model.graph:
        found[node.op_type] = found.get(node.op_type, 0) + 1
    return found


def conv(name: str, outputs: int, inputs: int, size: int = 1) -> dict[str, Array]:
    return {
        f"{name}.w": RANDOM.normal(0, 0.5, (outputs, inputs, size, size)).astype(np.float32),
        f"{name}.b": RANDOM.normal(0, 0.1, outputs).astype(np.float32),
    }


def conv_step(name: str, source: str, target: str, **attributes: Any) -> Step:
    return ("Conv", [source, f"{name}.w", f"{name}.b"], [target], attributes)


def images(count: int = 4, shape: tuple[int, ...] = (1, 4, 8, 8)) -> list[dict[str, Array]]:
    return [{"x": RANDOM.normal(0, 1, shape).astype(np.float32)} for _ in range(count)]


@pytest.mark.parametrize("method", ["mse", "minmax", "percentile"])
@pytest.mark.parametrize("clip", [6.0, 1.0])
def test_outputs_stay_close_to_float(method: str, clip: float) -> None:
    model, samples = mobile_net(clip=clip)
    quantized, _ = quantize(model, samples, method=method)
    onnx.checker.check_model(ir.to_proto(quantized))
    pairs = [(run(model, feeds)[0], run(quantized, feeds)[0]) for feeds in samples]
    assert sqnr(*map(np.concatenate, zip(*pairs, strict=True))) > 28


def test_onnxruntime_with_and_without_its_optimisations_agrees() -> None:
    model, samples = mobile_net()
    quantized, _ = quantize(model, samples)
    for feeds in samples[:3]:
        assert sqnr(run(quantized, feeds)[0], run(quantized, feeds, optimise=True)[0]) > 40


def test_the_given_model_is_left_alone() -> None:
    model, samples = mobile_net()
    before = ir.to_proto(model).SerializeToString(deterministic=True)
    quantize(model, samples)
    assert ir.to_proto(model).SerializeToString(deterministic=True) == before


def test_the_format_is_uint8_activations_int8_weights_int32_biases() -> None:
    quantized, report = quantize(*mobile_net())
    for node in quantized.graph:
        if node.op_type == "QuantizeLinear":
            assert node.inputs[1].shape == ir.Shape([])
            assert node.inputs[2].dtype == ir.DataType.UINT8
        if node.op_type in ("Conv", "Gemm"):
            x, weight, bias = [value.producer() for value in node.inputs[:3] if value is not None]
            assert x is not None
            assert weight is not None
            assert bias is not None
            assert weight.inputs[0].dtype == ir.DataType.INT8
            assert bias.inputs[0].dtype == ir.DataType.INT32
            x_scale, w_scale, b_scale = (
                producer.inputs[1].const_value.numpy()
                for producer in (x, weight, bias)  # type: ignore[union-attr]
            )
            assert np.array_equal(b_scale, x_scale * w_scale)
            assert weight.attributes.get_int("axis") == 0
            assert len(w_scale) == weight.inputs[0].shape[0]
    assert len(report.quantized) == 10
    assert not report.stayed_float


def test_one_quantizer_serves_a_convolution_and_its_clamp_and_the_logits_have_none() -> None:
    quantized, report = quantize(*mobile_net())
    assert [entry.name for entry in report.ranges] == ["x", "c0", "r1", "r2", "c3", "a", "g", "f"]
    assert quantized.graph.outputs[0].producer().op_type == "Gemm"  # type: ignore[union-attr]


def test_flatten_shares_the_scale_of_its_input() -> None:
    _, report = quantize(*mobile_net())
    ranges = {entry.name: (entry.scale, entry.zero_point) for entry in report.ranges}
    assert ranges["g"] == ranges["f"] != ranges["a"]


def test_equalization_changes_nothing_in_float_and_helps_unlike_channels() -> None:
    model, samples = mobile_net(clip=1e9)
    equalized = model.clone()
    plan = make_plan(equalized)
    assert equalize(equalized, plan, observe(equalized, samples, plan.points)) >= 2
    expected, got = run(model, samples[0])[0], run(equalized, samples[0])[0]
    assert got == pytest.approx(expected, rel=1e-4, abs=1e-4)
    after = observe(equalized, samples, plan.points)
    spread = {value.name: np.ptp(np.log(after[value].high)) for value in plan.points if value.name == "r1"}
    before_plan = make_plan(model)
    before = observe(model, samples, before_plan.points)
    original = {value.name: np.ptp(np.log(before[value].high)) for value in before_plan.points if value.name == "r1"}
    assert spread["r1"] < 0.7 * original["r1"]  # a factor is at most 8, and the spread here is far wider


def test_equalization_keeps_relu6_outputs_on_the_samples() -> None:
    model, samples = mobile_net(clip=6.0)
    equalized = model.clone()
    plan = make_plan(equalized)
    assert equalize(equalized, plan, observe(equalized, samples, plan.points)) >= 1
    for feeds in samples:
        assert run(equalized, feeds)[0] == pytest.approx(run(model, feeds)[0], rel=1e-4, abs=1e-4)


def test_an_operator_without_integer_kernel_stays_float_alone() -> None:
    constants = conv("a", 6, 4) | conv("b", 6, 6) | conv("c", 3, 6)
    steps: list[Step] = [
        conv_step("a", "x", "p"), ("Softplus", ["p"], ["s"], {}), conv_step("b", "s", "q"),
        ("Relu", ["q"], ["r"], {}), conv_step("c", "r", "y"),
    ]  # fmt: skip
    model = build(steps, {"x": (1, 4, 8, 8)}, ["y"], constants)
    _quantized, report = quantize(model, images())
    assert report.stayed_float == {"s": "Softplus has no integer kernel"}
    assert [entry.name for entry in report.ranges] == ["x", "s", "r"]  # p goes to Softplus in float


def test_light_operators_before_the_outputs_stay_float() -> None:
    constants = conv("a", 6, 4)
    steps: list[Step] = [
        conv_step("a", "x", "p"), ("GlobalAveragePool", ["p"], ["g"], {}), ("Softmax", ["g"], ["y"], {"axis": 1}),
    ]  # fmt: skip
    quantized, report = quantize(build(steps, {"x": (1, 4, 8, 8)}, ["y"], constants), images())
    assert kinds(quantized)["QuantizeLinear"] == 1
    assert set(report.stayed_float) == {"g", "y"}


def test_a_node_can_be_kept_in_float() -> None:
    model, samples = mobile_net()
    quantized, report = quantize(model, samples, keep_float=["c2"])
    depthwise = next(node for node in quantized.graph if node.name == "c2")
    assert depthwise.inputs[1].const_value is not None
    assert depthwise.inputs[1].dtype == ir.DataType.FLOAT
    assert "asked" in report.stayed_float["c2"]


def test_what_only_a_concat_reads_shares_its_scale() -> None:
    constants = conv("a", 6, 4) | conv("b", 6, 4) | conv("c", 3, 12)
    constants["b.w"] *= 5
    steps: list[Step] = [
        conv_step("a", "x", "p"), conv_step("b", "x", "q"), ("Concat", ["p", "q"], ["r"], {"axis": 1}),
        ("MaxPool", ["r"], ["m"], {"kernel_shape": [2, 2]}), conv_step("c", "m", "y"),
    ]  # fmt: skip
    _, report = quantize(build(steps, {"x": (1, 4, 8, 8)}, ["y"], constants), images())
    scales = {entry.name: entry.scale for entry in report.ranges}
    assert scales["p"] == scales["q"] == scales["r"] == scales["m"] != scales["x"]


def test_an_input_of_a_concat_that_others_read_keeps_its_scale() -> None:
    constants = conv("a", 6, 4) | conv("b", 6, 6) | conv("c", 3, 12)
    constants["b.w"] *= 5
    steps: list[Step] = [
        conv_step("a", "x", "p"), conv_step("b", "p", "q"), ("Concat", ["p", "q"], ["r"], {"axis": 1}),
        conv_step("c", "r", "y"),
    ]  # fmt: skip
    _, report = quantize(build(steps, {"x": (1, 4, 8, 8)}, ["y"], constants), images())
    scales = {entry.name: entry.scale for entry in report.ranges}
    assert scales["q"] == scales["r"] != scales["p"]


def test_matmul_weights_are_quantized_for_each_column() -> None:
    model = build(
        [("MatMul", ["x", "w"], ["h"], {}), ("Relu", ["h"], ["r"], {}), ("Gemm", ["r", "v"], ["y"], {})],
        {"x": (1, 12)}, ["y"],
        {"w": RANDOM.normal(0, 1, (12, 7)).astype(np.float32), "v": RANDOM.normal(0, 1, (7, 5)).astype(np.float32)},
    )  # fmt: skip
    samples = images(64, (1, 12))
    quantized, _ = quantize(model, samples)
    matmul = next(node for node in quantized.graph if node.op_type == "MatMul").inputs[1].producer()  # type: ignore[union-attr]
    assert matmul is not None
    assert matmul.attributes.get_int("axis") == 1
    pairs = [(run(model, feeds)[0], run(quantized, feeds)[0]) for feeds in samples]
    assert sqnr(*map(np.concatenate, zip(*pairs, strict=True))) > 30


def test_the_result_does_not_depend_on_the_run() -> None:
    first, second = (ir.to_proto(quantize(*mobile_net())[0]).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


def test_samples_may_be_a_stream_that_starts_anew_each_time() -> None:
    model, samples = mobile_net()

    class Stream:
        def __iter__(self) -> Any:
            return iter(samples)

    assert quantize(model, Stream())[1] == quantize(model, samples)[1]


def test_nan_in_the_data_is_named_with_its_sample() -> None:
    model, samples = mobile_net()
    samples[3]["x"][0, 0, 0, 0] = np.nan
    with pytest.raises(SlimError, match=r"input 'x': holds NaN on calibration sample 4"):
        quantize(model, samples)


def test_infinity_inside_the_network_is_named_with_its_node() -> None:
    model = build(
        [("Log", ["x"], ["l"], {}), ("Conv", ["l", "w"], ["y"], {})],
        {"x": (1, 1, 4, 4)}, ["y"], {"w": np.ones((1, 1, 1, 1), np.float32)},
    )  # fmt: skip
    with pytest.raises(SlimError, match=r"node 'l' \(Log\): holds infinity on calibration sample 1"):
        quantize(model, [{"x": np.zeros((1, 1, 4, 4), np.float32)}])


def test_no_samples_and_unknown_options_are_refused() -> None:
    model, samples = mobile_net()
    with pytest.raises(SlimError, match="no calibration samples"):
        quantize(model, [])
    with pytest.raises(SlimError, match="no method 'entropy'"):
        quantize(model, samples, method="entropy")
    with pytest.raises(SlimError, match="no node 'nowhere'"):
        quantize(model, samples, keep_float=["nowhere"])
    with pytest.raises(SlimError, match="16 bits"):
        quantize(model, samples, weight_bits=16)


def test_activations_that_are_always_zero_are_reported_and_work() -> None:
    model, samples = mobile_net()
    zeros = [{"x": np.zeros_like(samples[0]["x"])}]
    quantized, report = quantize(model, zeros)
    assert any("'x' was 0 throughout calibration" in note for note in report.notes)
    assert np.isfinite(run(quantized, zeros[0])[0]).all()


def test_a_quantized_model_comes_back_as_it_is() -> None:
    model, samples = mobile_net()
    once, _ = quantize(model, samples)
    twice, report = quantize(once, samples)
    assert "quantized already" in report.notes[0]
    assert ir.to_proto(twice).SerializeToString(deterministic=True) == ir.to_proto(once).SerializeToString(
        deterministic=True
    )
