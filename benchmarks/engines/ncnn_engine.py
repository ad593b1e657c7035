"""ncnn: converted by pnnx with fp32 weights; packing, Winograd and SGEMM on, every 16-bit option off.

int8 is missing: ncnn's table and quantization tools (`ncnn2table`, `ncnn2int8`) are not in any PyPI package.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import ncnn
import numpy as np

from benchmarks.engines import UnsupportedByEngineError

Feeds = dict[str, np.ndarray]


def prepare(model: Path, precision: str, samples: list[Feeds], folder: Path) -> Path:
    if precision != "fp32":
        raise UnsupportedByEngineError("ncnn's quantization tools (ncnn2table, ncnn2int8) are in no PyPI package")
    # pnnx drops the extension and turns every other character into an underscore
    copy = folder / f"{re.sub(r'[^0-9A-Za-z]', '_', model.stem)}.onnx"
    shutil.copyfile(model, copy)
    tool = Path(sysconfig.get_path("purelib")) / "pnnx" / "pnnx"
    done = subprocess.run([tool, copy.name, "fp16=0"], cwd=folder, capture_output=True, text=True, check=False)
    param = folder / f"{copy.stem}.ncnn.param"
    if not param.is_file():
        raise UnsupportedByEngineError(f"pnnx does not convert it: {done.stderr.strip()[-200:]}")
    # sizes on disk count only what the engine reads
    for file in folder.iterdir():
        if file.is_file() and ".ncnn." not in file.name:
            file.unlink()
    return param


class Engine:
    def __init__(self, file: Path, threads: int) -> None:
        self.net = ncnn.Net()
        option = self.net.opt
        option.num_threads = threads
        option.lightmode = True
        option.use_vulkan_compute = False
        option.use_packing_layout = True
        option.use_sgemm_convolution = True
        option.use_winograd_convolution = True
        for name in dir(option):
            if name.startswith(("use_fp16", "use_bf16")):
                setattr(option, name, False)
        if self.net.load_param(str(file)) or self.net.load_model(str(file.with_suffix(".bin"))):
            raise RuntimeError("ncnn does not load its own file")
        self.inputs, self.outputs = list(self.net.input_names()), list(self.net.output_names())

    def adapt(self, feeds: Feeds) -> Feeds:
        # Mats have no batch axis; with a batch of rows it is part of the matrix
        return {name: array[0] if array.ndim > 2 else array for name, array in feeds.items()}

    def bind(self, feeds: Feeds) -> None:
        self.kept = list(feeds.values())
        self.mats = [ncnn.Mat(array) for array in self.kept]

    def invoke(self) -> list[ncnn.Mat]:
        extractor = self.net.create_extractor()
        for name, mat in zip(self.inputs, self.mats, strict=True):
            extractor.input(name, mat)
        return [extractor.extract(name)[1] for name in self.outputs]

    def call(self, feeds: Feeds) -> list[np.ndarray]:
        extractor = self.net.create_extractor()
        for name, array in zip(self.inputs, feeds.values(), strict=True):
            extractor.input(name, ncnn.Mat(array))
        return [np.array(extractor.extract(name)[1]) for name in self.outputs]

    def named(self, outputs: list[np.ndarray]) -> Feeds:
        return {f"{index}": array for index, array in enumerate(outputs)}
