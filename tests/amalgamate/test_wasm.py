"""The target `wasm`: what `build` writes and compiles runs in Node.js, with the bits of the core in this process."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
from onnx import helper

from slim.amalgamate import BuildResult, build, load_target
from slim.amalgamate.toolchain import find_toolchain
from slim.errors import SlimError
from slim.lower import lower
from slim.runtime import Session
from tests.amalgamate.folders import feeds_of, mixed_program, need, read_outputs, real_program, write_inputs
from tests.nets import net


def _built(program: bytes, out: Path, name: str = "net", *, embed: bool = False) -> BuildResult:
    need("node")
    try:
        find_toolchain(load_target("wasm"))
    except SlimError:
        need("wasm-ld", "clang")
        raise
    return build(program, name=name, target="wasm", out=out, embed=embed, compile=True)


def _node(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["node", *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def _script(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "script.mjs").write_text(text)
    return _node(folder, "script.mjs")


def _example(program: bytes, folder: Path) -> tuple[dict[str, np.ndarray], str]:
    """What example.mjs saves, and what it prints."""
    files = write_inputs(program, feeds_of(program), folder)
    done = _node(folder, "example.mjs", "--runs", "1", "--save", "out", *files)
    assert done.returncode == 0, done.stderr
    return read_outputs(program, folder, "out"), done.stdout


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """fp32 and int8 networks side by side, weights apart."""
    folder = tmp_path_factory.mktemp("wasm")
    result = _built(mixed_program(), folder)
    assert set(result.paths) >= {"module", "network.mjs", "example.mjs", "program"}
    return folder


def test_it_says_what_the_core_says(mixed: Path) -> None:
    got, said = _example(mixed_program(), mixed)
    expected = Session(mixed_program()).run(feeds_of(mixed_program()))
    np.testing.assert_array_equal(got["y"], expected["y"])
    np.testing.assert_array_equal(got["image"], expected["image"])
    np.testing.assert_allclose(got["probabilities"], expected["probabilities"], rtol=1e-5)
    assert f"probabilities: 11 values, the largest: [{expected['probabilities'].argmax()}]" in said


def test_a_real_integer_network_gives_the_same_bits(tmp_path: Path) -> None:
    program = real_program("shufflenet-v2-int8")
    _built(program, tmp_path, embed=True)
    (got,) = _example(program, tmp_path)[0].values()
    (expected,) = Session(program).run(feeds_of(program)).values()
    np.testing.assert_array_equal(got, expected)


def test_a_real_float_network(tmp_path: Path) -> None:
    program = real_program("resnet8-cifar10")
    _built(program, tmp_path)
    (got,) = _example(program, tmp_path)[0].values()
    (expected,) = Session(program).run(feeds_of(program)).values()
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5 * np.ptp(expected))


def test_the_module_imports_nothing_and_shows_its_functions_only(mixed: Path) -> None:
    done = _script(
        mixed,
        'import { readFileSync } from "node:fs";\nconst m = new WebAssembly.Module(readFileSync("net.wasm"));\n'
        "const { imports, exports } = WebAssembly.Module;\n"
        "console.log(JSON.stringify([imports(m), exports(m).map((e) => e.name)]));",
    )
    imports, exports = json.loads(done.stdout)
    assert imports == []
    functions = {"net_open_bytes", "net_run", "net_error", "net_close", "malloc", "free"}
    assert functions <= set(exports) <= functions | {"memory", "_initialize"}


def test_bytes_may_come_from_anywhere_and_networks_live_side_by_side(mixed: Path) -> None:
    done = _script(
        mixed,
        """
        import { readFileSync } from "node:fs";
        import { inputs, open } from "./net.mjs";
        const module = await WebAssembly.compile(readFileSync("net.wasm"));
        const program = readFileSync("net.slim").buffer;
        const one = await open({ module, program: new Uint8Array(readFileSync("net.slim")) });
        const other = await open({ module });
        const x = new Float32Array(inputs[0].count).fill(0.5);
        const first = one.run({ x }).probabilities;
        other.run({ x: x.map(() => 1) });
        const again = one.run({ x }).probabilities;
        one.close();
        one.close();
        console.log(first.every((value, i) => value === again[i]), other.run({ x }).probabilities[3] === first[3]);
        """,
    )
    assert (done.stdout, done.stderr) == ("true true\n", "")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("(await open()).run({ x: [1] })", "TypeError: input x is not a Float32Array of 297 elements"),
        ("(await open()).run({ x: new Float32Array(3) })", "TypeError: input x is not a Float32Array of 297 elements"),
        ("await open({ program: new Uint8Array(200) })", "Error: net: "),
        ("await open({ program: new Uint8Array(0) })", "Error: net: "),
        ("const net = await open(); net.close(); net.run({ x: new Float32Array(297) })", "Error: net: it is closed"),
    ],
)
def test_errors_are_sentences(mixed: Path, text: str, error: str) -> None:
    done = _script(mixed, f'import {{ open }} from "./net.mjs";\n{text};\n')
    assert done.returncode == 1
    (said,) = re.findall(r"^\w*Error: .*$", done.stderr, re.MULTILINE)
    assert said.startswith(error)
    assert len(said) > len("Error: net: ")


def test_any_name_of_a_tensor_is_a_key(tmp_path: Path) -> None:
    """Names that are no identifiers, hold quotes, or would end a comment."""
    nodes = [helper.make_node("Relu", ['a "b"*/'], ["1/out:0"])]
    program = bytes(lower(ir.from_proto(net(nodes, {'a "b"*/': (1, 3)}, ("1/out:0",), {}))))
    _built(program, tmp_path, "a net", embed=True)
    done = _script(
        tmp_path,
        'import { open } from "./a-net.mjs";\nconst net = await open();\n'
        'console.log(net.run({ \'a "b"*/\': Float32Array.of(-1, 0, 2) })["1/out:0"].join(" "));',
    )
    assert (done.stdout, done.stderr) == ("0 0 2\n", "")


def test_the_makefile_builds_and_runs(tmp_path: Path) -> None:
    need("make", "clang", "wasm-ld", "node")
    build(mixed_program(), name="net", target="wasm", out=tmp_path)
    done = subprocess.run(["make", "-s", "run"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "y: 10 values, the largest:" in done.stdout


def test_relaxed_simd(tmp_path: Path) -> None:
    """A multiply and an add may be one instruction; integers are the same."""
    pytest.importorskip("ziglang")
    description = tmp_path / "relaxed.toml"
    description.write_text('extends = "wasm"\nflags = ["-O2", "-std=gnu11", "-msimd128", "-mrelaxed-simd"]\n')
    need("node")
    build(mixed_program(), name="net", target=str(description), out=tmp_path, compile=True)
    (name,) = write_inputs(mixed_program(), feeds_of(mixed_program()), tmp_path)
    done = _node(tmp_path, "--experimental-wasm-relaxed-simd", "example.mjs", "--save", "out", name)
    assert done.returncode == 0, done.stderr
    got, expected = (
        read_outputs(mixed_program(), tmp_path, "out"),
        Session(mixed_program()).run(feeds_of(mixed_program())),
    )
    np.testing.assert_array_equal(got["y"], expected["y"])
    np.testing.assert_allclose(got["probabilities"], expected["probabilities"], rtol=1e-5)
