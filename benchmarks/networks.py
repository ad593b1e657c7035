"""The networks that speed is measured on, their inputs, and each engine's converted copy.

Graphs come from `$SLIM_BENCH_MODELS`, a folder of filled ONNX files, or are filled by `../shared/bench/make_models.py`
beside the checkout; a path of an ONNX file is a network too. Inputs are seeded, the same for every engine.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.environments import ENVIRONMENTS, PREPARED_IN, ROOT, BenchError, cache
from benchmarks.worker import Worker, WorkerError

SAMPLES = 16  # calibration feeds for int8
SCORED = 8  # feeds whose outputs are compared: of one alone, decibels are chance


@dataclass(frozen=True)
class Network:
    """An ONNX file with static input shapes; `macs` are those of one run, by direct convolution."""

    name: str
    path: Path
    macs: int
    weight_bytes: int
    sha256: str

    @property
    def folder(self) -> Path:
        """Where its inputs and conversions are kept."""
        return cache() / "networks" / f"{self.name}-{self.sha256[:12]}"


def model_folder() -> Path:
    """The folder of filled ONNX files, made on first use.

    Raises BenchError where there is none."""
    given = os.environ.get("SLIM_BENCH_MODELS")
    if given:
        if not Path(given).is_dir():
            raise BenchError(f"SLIM_BENCH_MODELS={given} is no folder")
        return Path(given)
    script = ROOT.parent / "shared" / "bench" / "make_models.py"
    folder = cache() / "filled"
    if not script.is_file():
        raise BenchError(f"{script} is not here: set SLIM_BENCH_MODELS, or give paths of ONNX files with --networks")
    names = {path.stem for path in (script.parent / "graphs").glob("*.onnx")}
    if not names <= {path.stem for path in folder.glob("*.onnx")}:
        subprocess.run([sys.executable, str(script), str(folder)], check=True, stdout=subprocess.DEVNULL)
    return folder


def find(names: Sequence[str]) -> list[Network]:
    """Networks by name or by path; every one of the folder where no name is given.

    Raises BenchError for the ones that are not there, all of them, with the names that are."""
    paths = [Path(name) for name in names if name.endswith(".onnx")]
    wanted = [name for name in names if not name.endswith(".onnx")]
    known = {path.stem: path for path in sorted(model_folder().glob("*.onnx"))} if wanted or not names else {}
    missing = [*(str(path) for path in paths if not path.is_file()), *(name for name in wanted if name not in known)]
    if missing:
        raise BenchError(f"no such network: {', '.join(missing)}; there are {', '.join(known) or 'none'}")
    return [_describe(path) for path in (*paths, *(known[name] for name in wanted or (() if names else known)))]


def _describe(path: Path) -> Network:
    from slim.estimate.layers import layers_of, weights_of
    from slim.graph import simplify
    from slim.load import load

    model, _ = simplify(load(path))
    macs = sum(layer.macs for layer in layers_of(model))
    return Network(path.stem, path.resolve(), macs, weights_of(model), hashlib.sha256(path.read_bytes()).hexdigest())


def inputs(network: Network) -> tuple[list[Path], list[Path]]:
    """The feeds that are compared, the first of which is timed, and the calibration feeds: .npz files of normal values.

    Raises BenchError for inputs that are not float or have open dimensions."""
    import onnx

    graph = onnx.load(network.path, load_external_data=False).graph
    weights = {tensor.name for tensor in graph.initializer}
    shapes: dict[str, tuple[int, ...]] = {}
    for value in graph.input:
        if value.name in weights:
            continue
        tensor = value.type.tensor_type
        shape = tuple(dim.dim_value for dim in tensor.shape.dim)
        if tensor.elem_type != onnx.TensorProto.FLOAT or 0 in shape:
            raise BenchError(f"{network.path}: input '{value.name}' is not float with a static shape; make it so first")
        shapes[value.name] = shape
    folder = network.folder / "inputs"
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{index}.npz" for index in range(SAMPLES + SCORED)]
    for seed, file in enumerate(files):
        rng = np.random.default_rng(seed)
        arrays = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
        np.savez(file, **arrays)  # type: ignore[arg-type]
    return [files[0], *files[SAMPLES + 1 :]], files[1 : SAMPLES + 1]


@dataclass(frozen=True)
class Prepared:
    """An engine's own file of a network, or why there is none."""

    file: Path | None
    bytes: int = 0
    problem: str = ""
    unsupported: bool = False


def prepare(network: Network, engine: str, precision: str, samples: Sequence[Path]) -> Prepared:
    """The network in the engine's own format, converted once for each version of its converter; slim's every time."""
    environment = PREPARED_IN.get(engine, engine)
    pins = ENVIRONMENTS[environment].pins if engine != "slim" else "now"
    folder = network.folder / f"{engine}-{precision}-{pins}"
    stamp = folder / "prepared.json"
    if engine != "slim" and stamp.is_file():
        file = Path(json.loads(stamp.read_text())["file"])
        return Prepared(file, disk_bytes(file))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    cores = sorted(os.sched_getaffinity(0))
    copy = _copy(network.path, folder)
    try:
        with Worker(engine, cores, environment, folder / "prepare.log") as worker:
            answer = worker.ask(
                "prepare",
                model=str(copy),
                precision=precision,
                samples=[str(path) for path in samples],
                folder=str(folder),
            )
            file = Path(answer["file"])
    except WorkerError as error:
        return Prepared(None, problem=str(error), unsupported=error.unsupported)
    finally:
        shutil.rmtree(copy.parent)
    stamp.write_text(json.dumps({"file": str(file)}))
    return Prepared(file, disk_bytes(file))


def _copy(model: Path, folder: Path) -> Path:
    """A copy of a model, weights inside, for one converter alone: onnx2tf simplifies the very file that it is given."""
    import onnx

    copy = folder / "source" / model.name
    copy.parent.mkdir()
    onnx.save(onnx.load(model), copy)
    return copy


def disk_bytes(file: Path) -> int:
    """Bytes of an engine's file and of the weights beside it (`model.xml` and `model.bin`, `.param` and `.bin`)."""
    weights = file.with_suffix(".bin")
    return file.stat().st_size + (weights.stat().st_size if weights != file and weights.is_file() else 0)
