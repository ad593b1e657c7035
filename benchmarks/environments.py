"""A virtual environment for each engine, made on first use from pinned PyPI packages.

They live under `$SLIM_BENCH_DIR`, or `.bench/` in the checkout. slim has one like the others, with the wheel that this
checkout makes: a checkout compares the core with its sources at each load, and its modules may not be compiled yet.
slim's files of networks are made in the environment that runs the benchmark.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache as once
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class BenchError(Exception):
    """The benchmark cannot go on; the text says why and what to do."""


@dataclass(frozen=True)
class Environment:
    """`packages` with their dependencies, then `alone` without theirs; the first package gives the version reported."""

    name: str
    packages: tuple[str, ...]
    alone: tuple[str, ...] = ()

    @property
    def pins(self) -> str:
        """Changes when any pinned version does."""
        return hashlib.sha256(repr((self.packages, self.alone)).encode()).hexdigest()[:12]


NUMPY = "numpy==2.4.6"

ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        Environment("slim", (NUMPY,)),
        Environment("onnxruntime", ("onnxruntime==1.31.1", "onnx==1.23.2", NUMPY, "sympy")),
        Environment("openvino", ("openvino==2026.4.1", "nncf==3.4.0", NUMPY)),
        # pnnx declares torch as a dependency; its converter of ONNX files is a binary that needs nothing
        Environment("ncnn", ("ncnn==1.0.20261020", NUMPY), ("pnnx==20261020",)),
        Environment("mnn", ("MNN==3.6.1", NUMPY)),
        Environment("litert", ("ai-edge-litert==2.3.0", NUMPY)),
        # the last onnx2tf for Python 3.11 with the versions that it pins, TensorFlow and OpenCV in their light forms
        Environment(
            "litert-convert",
            (
                "tensorflow-cpu==2.19.0",
                "tf-keras==2.19.0",
                "ai-edge-litert==2.1.0",
                "numpy==1.26.4",
                "onnx==1.19.1",
                "onnxruntime==1.23.0",
                "onnxsim==0.4.36",
                "onnx-graphsurgeon==0.5.8",
                "simple-onnx-processing-tools==1.1.32",
                "opencv-python-headless==4.11.0.86",
                "psutil==5.9.5",
                "protobuf==4.25.5",
                "h5py==3.11.0",
                "ml-dtypes==0.5.1",
                "flatbuffers==25.12.19",
                "requests==2.32.5",
            ),
            ("onnx2tf==1.29.24",),
        ),
        Environment("chart", ("matplotlib==3.11.2", NUMPY)),
    )
}

ENGINES = ("slim", "onnxruntime", "openvino", "ncnn", "mnn", "litert")
CHECKOUT = "checkout"  # the environment that runs the benchmark
PREPARED_IN = {"litert": "litert-convert", "slim": CHECKOUT}
"""Engines whose converter lives in another environment than they do."""

WHEEL = ("slim", "configs", "scripts", "setup.py", "pyproject.toml", "README.md", "LICENSE")


def cache() -> Path:
    """The folder of environments and converted networks; it keeps itself out of git."""
    folder = Path(os.environ.get("SLIM_BENCH_DIR") or ROOT / ".bench")
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return folder


@once
def python_of(name: str) -> Path:
    """The interpreter of an environment, which is created where it is absent or its pins have changed.

    Raises BenchError with pip's last words when packages cannot be installed."""
    if name == CHECKOUT:
        return Path(sys.executable)
    environment = ENVIRONMENTS[name]
    folder = cache() / name
    stamp, python = folder / "pins", folder / "bin" / "python"
    pins = environment.pins + (_sources() if name == "slim" else "")
    if stamp.is_file() and stamp.read_text() == pins and python.exists():
        return python
    print(f"installing {name} into {folder}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(folder)])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, *environment.packages])
    if environment.alone:
        _run([*pip, "--no-deps", *environment.alone])
    if name == "slim":
        _install_wheel(pip)
    stamp.write_text(pins)
    return python


def _sources() -> str:
    """Changes when anything does that goes into slim's wheel."""
    digest = hashlib.sha256()
    for part in WHEEL:
        path = ROOT / part
        for file in sorted(path.rglob("*")) if path.is_dir() else (path,):
            if file.is_file() and not (file.suffix == ".so" or "__pycache__" in file.parts):
                digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _install_wheel(pip: list[str]) -> None:
    """slim as users get it, without what its converters need; made from a copy, to leave nothing in the checkout."""
    with tempfile.TemporaryDirectory() as folder:
        for part in WHEEL:
            path = ROOT / part
            if path.is_dir():
                shutil.copytree(path, Path(folder, part), ignore=shutil.ignore_patterns("__pycache__", "*.so"))
            else:
                shutil.copy(path, folder)
        _run([*pip, "--no-deps", folder])


@once
def version_of(engine: str) -> str:
    """`1.31.1` for onnxruntime; for slim its version with the commit of the checkout."""
    if engine != "slim":
        return ENVIRONMENTS[engine].packages[0].partition("==")[2]
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("slim")
    except PackageNotFoundError:
        number = "checkout"
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=10"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return f"{number}+{commit}" if commit else number


@once
def library_bytes(engine: str) -> int:
    """Bytes of the engine's own shared libraries as installed."""
    if engine == "slim":
        from slim.core.compile import library_path

        return library_path().stat().st_size
    name = ENVIRONMENTS[engine].packages[0].partition("==")[0]
    code = (
        "import sys, importlib.metadata as m; f = m.distribution(sys.argv[1]).files or []; "
        "print(sum(p.locate().stat().st_size for p in f if '.so' in p.name))"
    )
    done = subprocess.run([str(python_of(engine)), "-c", code, name], capture_output=True, text=True, check=True)
    return int(done.stdout)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise BenchError(f"{' '.join(command[:5])} ... failed: {(done.stderr or done.stdout).strip()[-600:]}")
