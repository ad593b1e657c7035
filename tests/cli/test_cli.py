"""The command line as a user meets it: a process, its exit code, what it prints where."""

import json
import os
import signal
import subprocess
import sys
import time

import jsonschema
import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from slim.report.documents import SCHEMA
from tests.data import ROOT, data_path

COMMANDS = ("check", "compress", "simplify", "prune", "quantize", "build", "run", "bench", "devices", "ops")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def slim(*arguments, **options):
    """Run the command line; the completed process."""
    command = [sys.executable, "-m", "slim.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=120, check=False, **options)


def document(*arguments, code=0):
    """The JSON document that a command prints, checked against the schema."""
    done = slim(*arguments, "--json")
    assert (done.returncode, done.stderr) == (code, "")
    parsed = json.loads(done.stdout)
    jsonschema.validate(parsed, json.loads(SCHEMA.read_text()))
    return parsed


def save(path, body, inputs, outputs, **weights):
    proto = parser.parse_model(f'<ir_version: 10, opset_import: ["" : 21]> net ({inputs}) => ({outputs}) {{ {body} }}')
    proto.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in weights.items())
    onnx.save(proto, path)
    return path


@pytest.fixture
def model(tmp_path):
    """A convolution with relu and a softmax: 1x3x8x8 to 10 classes."""
    random = np.random.default_rng(1)
    return save(
        tmp_path / "net.onnx",
        "a = Conv(x, w, b) r = Relu(a) p = GlobalAveragePool(r) f = Flatten(p) i = Identity(f) y = Softmax(i)",
        "float[1,3,8,8] x",
        "float[1,10] y",
        w=random.standard_normal((10, 3, 3, 3)).astype(np.float32),
        b=random.standard_normal(10).astype(np.float32),
    )


@pytest.fixture
def samples(tmp_path):
    folder = tmp_path / "calib"
    folder.mkdir()
    random = np.random.default_rng(2)
    for index in range(4):
        np.save(folder / f"{index}.npy", random.standard_normal((1, 3, 8, 8)).astype(np.float32))
    return folder


def test_help_lists_every_command():
    done = slim("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"    {command}" in done.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    done = slim(command, "--help")
    assert done.returncode == 0
    assert "--json" in done.stdout


def test_help_loads_nothing_heavy():
    code = "import sys; from slim.cli.parser import make_parser; make_parser(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=True)
    assert not {"numpy", "onnx", "onnx_ir", "rich", "PIL", "tqdm"} & set(done.stdout.split())


def test_check_loads_no_symbolic_algebra(model):
    code = "import sys; from slim.cli import main; main(sys.argv[1:]); print('sympy.core' in sys.modules)"
    command = [sys.executable, "-c", code, "check", str(model), "--device", "rpi3"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1] == "False"


def test_what_is_postponed_works_when_it_is_asked_for():
    code = (
        "from slim.cli.postpone import postpone_seldom_needed; postpone_seldom_needed(); import onnx_ir\n"
        "print((onnx_ir.SymbolicDim('n') * 2 + 1).evaluate({'n': 3}))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "7\n"


def test_a_model_that_fits_exits_with_0(model):
    done = slim("check", model, "--device", "rpi3")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(" FITS  net.onnx on Raspberry Pi 3 Model B+")
    assert "\x1b" not in done.stdout


def test_a_model_over_a_limit_exits_with_1(model):
    done = slim("check", model, "--device", "rpi3", "--max-flash", "1KiB")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(" DOES NOT FIT ")
    assert "is over 1 KiB" in done.stdout.splitlines()[0]


def test_check_prints_a_document(model):
    parsed = document("check", model, "--device", "rpi3", "--threads", 2)
    assert (parsed["fits"], parsed["estimate"]["threads"], parsed["estimate"]["model"]) == (True, 2, "net.onnx")
    assert parsed["estimate"]["macs"] == 10 * 6 * 6 * 27


def test_operators_that_the_core_cannot_run_are_all_named_and_exit_with_1(tmp_path):
    odd = save(tmp_path / "odd.onnx", "a = Det(x) y = Acosh(a)", "float[4,4] x", "float y")
    done = slim("check", odd, "--device", "rpi3")
    assert done.returncode == 1
    assert "operator Det" in done.stdout
    assert "operator Acosh" in done.stdout
    built = slim("build", odd, "-o", tmp_path / "out")
    assert (built.returncode, built.stdout) == (1, "")
    assert [line.split(":")[1] for line in built.stderr.splitlines()] == [" operator Acosh", " operator Det"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "required: COMMAND"),
        (("chek",), "invalid choice: 'chek'"),
        (("check", "net.onnx"), "required: --device"),
        (("check", "nowhere.onnx", "--device", "rpi3"), "nowhere.onnx: no such file"),
        (("check", "net.onnx", "--device", "rpi-3"), "did you mean 'rpi3'"),
        (("check", "net.onnx", "--device", "rpi3", "--max-ram", "lots"), "'lots' is not a size"),
        (("check", "net.onnx", "--device", "rpi3", "--threads", "0"), "not a whole number above 0"),
        (("check", "net.onnx", "--device", "rpi3", "--shape", "x=a,b"), "'x=a,b' is not a shape"),
        (("run", "net.onnx", "--input", "z=a.npy"), "there is no input 'z'"),
        (("run", "net.onnx", "--input", "a.npy"), "a.npy: no such file"),
        (("run", "net.onnx", "--input", "calib"), "calib: is a folder"),
        (("simplify", "net.onnx", "-o", "net.slim"), "net.slim: is the name of a program"),
        (("run", "net.onnx", "--input", "calib/0.npy", "--input", "x=calib/1.npy"), "input 'x' is given twice"),
        (("quantize", "net.onnx", "--data", "nowhere", "-o", "q.onnx"), "nowhere: does not exist"),
        (("build", "net.onnx", "--target", "vax", "-o", "out"), "vax"),
    ],
)
def test_bad_input_is_one_sentence_on_stderr_and_exits_with_2(model, samples, arguments, sentence):
    done = slim(*arguments, cwd=model.parent)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("slim: ")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_all_bad_budgets_are_reported_at_once(model):
    done = slim("check", model, "--device", "rpi3", "--max-ram", "x", "--max-flash", "y", "--max-latency", "z")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 3


def test_simplify_writes_a_smaller_model(model, tmp_path):
    parsed = document("simplify", model, "-o", tmp_path / "small.onnx")
    assert parsed["nodes"]["after"] < parsed["nodes"]["before"] == 6
    onnx.checker.check_model(onnx.load(tmp_path / "small.onnx"))


@pytest.mark.parametrize("limit", [2_000_000_000, 16])
def test_weights_in_other_files_come_along_to_another_folder(model, tmp_path, monkeypatch, limit):
    import slim.cli.output
    from slim.cli import main

    source = tmp_path / "source"
    source.mkdir()
    onnx.save(
        onnx.load(model), source / "net.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    monkeypatch.setattr(slim.cli.output, "MOST_IN_ONE_FILE", limit)
    output = tmp_path / "elsewhere" / "small.onnx"
    assert main(["simplify", str(source / "net.onnx"), "-o", str(output)]) == 0
    (source / "weights.bin").unlink()
    weights = {item.name: numpy_helper.to_array(item) for item in onnx.load(model).graph.initializer}
    saved = [numpy_helper.to_array(item) for item in onnx.load(output).graph.initializer]
    assert any(array.shape == (10, 3, 3, 3) and np.array_equal(array, weights["w"]) for array in saved)
    assert output.with_name("small.onnx.data").exists() == (limit == 16)


def test_prune_writes_a_model(model, tmp_path):
    document("prune", model, "-o", tmp_path / "pruned.onnx")
    onnx.checker.check_model(onnx.load(tmp_path / "pruned.onnx"))


def test_quantize_writes_a_model_that_check_accepts(model, samples, tmp_path):
    parsed = document("quantize", model, "--data", samples, "-o", tmp_path / "q.onnx")
    assert parsed["quantized"]
    assert document("check", tmp_path / "q.onnx", "--device", "rpi3")["estimate"]["integer_macs"] > 0


def test_compress_says_whether_the_budget_was_reached(model, samples, tmp_path):
    options = ("--data", samples, "--device", "rpi3", "-o", tmp_path / "c.onnx")
    assert document("compress", model, *options)["fits"] is True
    assert document("compress", model, *options, "--max-flash", "1KiB", code=1)["fits"] is False
    said = slim("compress", model, *options).stdout
    assert said.startswith(" FITS  c.onnx on")
    assert "nodes in 8 bits" in said
    assert "calibrated on 4 samples" in said


def test_an_output_that_fails_leaves_nothing_behind(model, samples, tmp_path):
    out = tmp_path / "out"
    (samples / "9.npy").write_bytes(b"not an array")
    done = slim("quantize", model, "--data", samples, "-o", out / "q.onnx")
    assert done.returncode == 2
    assert not out.exists()


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("folder", "folder: is a folder; name the file to write"),
        ("net.onnx/q.onnx", "net.onnx/q.onnx: cannot be written (File exists); name a file in another folder"),
    ],
)
def test_an_output_that_cannot_be_written_is_named(model, output, sentence):
    (model.parent / "folder").mkdir()
    done = slim("simplify", model, "-o", output, cwd=model.parent)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"slim: {sentence}\n")
    assert sorted(path.name for path in model.parent.iterdir()) == ["folder", "net.onnx"]


def test_an_output_takes_no_device_or_pipe_away(model, samples):
    pipe = model.parent / "pipe"
    os.mkfifo(pipe)
    for command in (("simplify", model, "-o"), ("run", model, "--input", samples / "0.npy", "--output")):
        done = slim(*command, pipe)
        assert (done.returncode, done.stderr) == (2, f"slim: {pipe}: is no regular file; name the file to write\n")
        assert pipe.is_fifo()


@pytest.mark.parametrize("command", [("bench",), ("build", "-o", "out"), ("run", "--input", "calib/0.npy")])
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "net.slim: is a folder"),
        (b"", "net.slim: is empty"),
        (b"SLIM" + bytes(500), "net.slim: "),
    ],
)
def test_a_file_that_is_no_program_is_named(model, samples, command, content, sentence):
    program = model.parent / "net.slim"
    program.mkdir() if content is None else program.write_bytes(content)
    done = slim(command[0], "net.slim", *command[1:], cwd=model.parent)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"slim: {sentence}")
    assert done.stderr.count("\n") == 1


def test_a_file_that_claims_more_than_fits_in_memory_is_named(model, samples, tmp_path):
    claims = str({"descr": "<f4", "fortran_order": False, "shape": (10**14,)}).encode()
    (tmp_path / "huge.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(claims).to_bytes(2, "little") + claims)
    for command in (("run", model, "--input"), ("quantize", model, "-o", tmp_path / "q.onnx", "--data")):
        done = slim(*command, tmp_path / "huge.npy")
        assert done.returncode == 2
        assert done.stderr.startswith(f"slim: {tmp_path}/huge.npy: is not a readable .npy file (Unable to allocate")


def test_infinite_outputs_are_printed_without_a_word(tmp_path):
    model = save(tmp_path / "log.onnx", "y = Log(x)", "float[2] x", "float[2] y")
    np.save(tmp_path / "x.npy", np.array([0, np.inf], np.float32))
    done = slim("run", model, "--input", tmp_path / "x.npy")
    assert (done.returncode, done.stderr) == (0, "")
    assert "-inf" in done.stdout


def test_an_input_of_another_shape_is_named(model, samples):
    np.save(samples / "9.npy", np.zeros((1, 4, 8, 8), np.float32))
    done = slim("run", model, "--input", samples / "9.npy")
    assert done.returncode == 2
    assert done.stderr.startswith("slim: input 'x': has shape [1, 4, 8, 8] (")
    assert done.stderr.endswith("; give [1, 3, 8, 8]\n")


def test_samples_of_another_shape_are_named(model, samples, tmp_path):
    np.save(samples / "9.npy", np.zeros((1, 8, 8, 3), np.float32))
    np.save(samples / "8.npy", np.zeros((3, 8, 8), np.float32))  # a batch of one is understood
    done = slim("quantize", model, "--data", samples, "-o", tmp_path / "q.onnx")
    assert done.returncode == 2
    assert done.stderr == f"slim: {samples}/9.npy, input 'x': has shape 1x8x8x3, the input needs 1x3x8x8\n"


def test_a_program_is_run_and_built_but_not_checked(model, tmp_path):
    document("build", model, "-o", tmp_path / "out")
    program = tmp_path / "out" / "net.slim"
    document("bench", program, "--runs", 2)
    document("build", program, "-o", tmp_path / "again")
    assert (tmp_path / "again" / "net.slim").read_bytes() == program.read_bytes()
    refused = slim("check", program, "--device", "rpi3")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "is a slim program" in refused.stderr
    assert "leave --params and --shape out" in slim("bench", program, "--shape", "x=1,3,8,8").stderr


def test_the_single_file_says_which_model_it_was_made_from(model, tmp_path):
    import hashlib

    document("build", model, "-o", tmp_path / "out")
    assert hashlib.sha256(model.read_bytes()).hexdigest() in (tmp_path / "out" / "net.c").read_text()


def test_build_writes_the_single_file(model, tmp_path):
    parsed = document("build", model, "--target", "x86-64-linux", "-o", tmp_path / "out")
    assert {"source", "header", "program"} <= {file["kind"] for file in parsed["files"]}
    assert all(os.path.getsize(file["path"]) == file["bytes"] for file in parsed["files"])


def test_weights_in_16_bits_are_built_and_run(model, samples, tmp_path):
    for weights in ("fp32", "fp16"):
        document("build", model, "--weights", weights, "-o", tmp_path / weights)
        done = slim(
            "run", model, "--input", samples / "0.npy", "--weights", weights, "--output", tmp_path / f"{weights}.npz"
        )
        assert (done.returncode, done.stderr) == (0, "")
    sizes = [sum(path.stat().st_size for path in (tmp_path / w).glob("*.slim")) for w in ("fp32", "fp16")]
    assert 0 < sizes[1] < sizes[0]
    full, half = (np.load(tmp_path / f"{w}.npz")["y"] for w in ("fp32", "fp16"))
    np.testing.assert_allclose(half, full, rtol=0, atol=1e-3 * np.ptp(full))
    assert (half != full).any()


def test_bf16_arithmetic_is_built_and_run(model, samples, tmp_path):
    built = tmp_path / "built"
    document("build", model, "--arithmetic", "bf16", "--name", "net", "-o", built)
    options = ("run", model, "--input", samples / "0.npy")
    for arithmetic in ("fp32", "bf16"):
        done = slim(*options, "--arithmetic", arithmetic, "--output", tmp_path / f"{arithmetic}.npz")
        assert (done.returncode, done.stderr) == (0, "")
    full, near = (np.load(tmp_path / f"{arithmetic}.npz")["y"] for arithmetic in ("fp32", "bf16"))
    np.testing.assert_allclose(near, full, rtol=0, atol=1e-2 * np.ptp(full))
    refused = slim("run", built / "net.slim", "--input", samples / "0.npy", "--arithmetic", "bf16")
    assert refused.returncode == 2
    assert "option 'arithmetic': a program has chosen already" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_run_agrees_with_onnxruntime(model, samples, tmp_path):
    import onnxruntime

    x = np.load(samples / "0.npy")
    done = slim("run", model, "--input", f"x={samples / '0.npy'}", "--output", tmp_path / "y.npz", "--profile")
    assert (done.returncode, done.stderr) == (0, "")
    assert "conv_narrow_f32" in done.stdout
    expected = onnxruntime.InferenceSession(str(model)).run(["y"], {"x": x})[0]
    np.testing.assert_allclose(np.load(tmp_path / "y.npz")["y"], expected, rtol=1e-4, atol=1e-6)


def test_run_names_the_best_classes(model, samples, tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"class {index}\n" for index in range(10)))
    parsed = document("run", model, "--input", samples / "0.npy", "--labels", labels, "--profile")
    scores = [guess["score"] for guess in parsed["classes"]]
    assert scores == sorted(scores, reverse=True)
    assert [guess["label"] for guess in parsed["classes"]] == [f"class {guess['index']}" for guess in parsed["classes"]]
    assert len(scores) == 5
    assert sum(step["seconds"] for step in parsed["steps"]) > 0


def test_a_photograph_is_recognised_through_a_recipe():
    photograph = data_path("images", "imagenet", "n03127747.jpg")
    options = ("--recipe", "squeezenet-v1.0", "--labels", data_path("images", "synset.txt"))
    parsed = document("run", data_path("models", "squeezenet-v1.0", "model.onnx"), "--input", photograph, *options)
    assert "n03127747 crash helmet" in [guess["label"] for guess in parsed["classes"]]


def test_bench_measures_this_machine(model):
    parsed = document("bench", model, "--runs", 5)
    assert 0 < parsed["fastest_s"] <= parsed["median_s"] <= parsed["ninetieth_s"]
    assert (parsed["runs"], parsed["threads"]) == (5, 1)
    assert parsed["program_bytes"] > 4 * 10 * 27
    assert parsed["layers"] == []


def test_bench_profiles_each_layer(model, tmp_path):
    parsed = document("bench", model, "--runs", 5, "--profile")
    convolution = next(layer for layer in parsed["layers"] if layer["macs"])
    assert convolution["gflops"] == pytest.approx(2e-9 * convolution["macs"] / convolution["seconds"])
    assert convolution["bytes"] > 4 * 10 * 27
    assert convolution["bound_s"] > 0
    shown = slim("bench", model, "--runs", 5, "--profile").stdout
    assert "GFLOP/s" in shown
    assert convolution["operator"] in shown
    document("build", model, "-o", tmp_path / "out")
    # a program does not say what its steps compute
    steps = document("bench", tmp_path / "out" / "net.slim", "--runs", 2, "--profile")["layers"]
    assert [step["operator"] for step in steps] == [layer["operator"] for layer in parsed["layers"]]
    assert {step["macs"] for step in steps} == {0}


def test_devices_and_operators_are_listed():
    assert "rpi3" in [device["name"] for device in document("devices")["devices"]]
    listed = document("ops")
    assert "Conv" in listed["onnx"]
    assert "conv_f32" in [operator["name"] for operator in listed["core"]]
    assert "Raspberry Pi 3 Model B+" in slim("devices").stdout
    assert "cpu.clock_hz" in slim("devices", "--sources", "rpi3").stdout
    assert "gemm_f32" in slim("ops").stdout
    assert "Softmax" in slim("ops", "--onnx").stdout


def test_a_reader_that_goes_away_is_no_error(model):
    command = f"{sys.executable} -m slim.cli devices --json | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert (done.stdout, done.stderr) == ("{", "")


@pytest.mark.parametrize("arguments", [("check", "--device", "rpi3"), ("bench", "--runs", "1")])
def test_a_reader_that_was_never_there_gives_no_verdict(model, arguments):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "slim.cli", arguments[0], str(model), *arguments[1:]]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("closed", "code"), [(">&-", 0), ("--max-flash x >&- 2>&-", 2), ("--max-flash x 2>/dev/full", 2)]
)
def test_the_exit_code_does_not_depend_on_who_listens(model, closed, code):
    command = f"{sys.executable} -m slim.cli check {model} --device rpi3 {closed}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_a_bug_is_not_taken_for_a_verdict(monkeypatch, capsys):
    import slim.devices
    from slim.cli import main

    monkeypatch.setattr(slim.devices, "list_devices", lambda: 1 / 0)
    assert main(["devices"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("slim: this is a bug in slim, please report it: ZeroDivisionError in ")
    assert err.endswith("division by zero\n")


def test_an_interrupt_is_quiet_and_exits_with_130(model):
    command = [sys.executable, "-m", "slim.cli", "bench", str(model), "--runs", "100000000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "")


@pytest.mark.parametrize(("text", "shape"), [("data=1,3,224,224", (1, 3, 224, 224)), ("a=b=2x3", (2, 3))])
def test_shapes_are_read(text, shape):
    from slim.cli.options import shape as parse

    assert parse(text)[1] == shape
