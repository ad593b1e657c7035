"""slim: load, simplify, quantize for int8, lower; a `.slim` file on the C core.

`invoke` reads the input where it is, as `Session.run` does, or copies it into the arena where the first layer needs it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from slim.runtime import Session
from slim.runtime.library import memories
from slim.runtime.session import point_to

Feeds = dict[str, np.ndarray]


def prepare(model: Path, precision: str, samples: list[Feeds], folder: Path) -> Path:
    from slim.graph import simplify
    from slim.load import load
    from slim.lower import lower
    from slim.quantize import quantize

    graph, _ = simplify(load(model))
    if precision == "int8":
        graph, _ = quantize(graph, samples)
    target = folder / "model.slim"
    target.write_bytes(lower(graph))
    return target


class Engine:
    def __init__(self, file: Path, threads: int) -> None:
        self.session = Session(file, threads=threads)

    def adapt(self, feeds: Feeds) -> Feeds:
        return feeds

    def bind(self, feeds: Feeds) -> None:
        handle = self.session._handle
        self.core, self.pointer = handle.lib, handle.session
        self.kept = [feeds[info.name] for info in self.session.inputs]
        self.inputs = memories(len(self.kept))()
        point_to(self.kept, self.inputs)

    def invoke(self) -> None:
        if self.core.slim_run_on(self.pointer, self.inputs, None):
            raise RuntimeError("slim_run failed")

    def call(self, feeds: Feeds) -> Feeds:
        return self.session.run(feeds)

    def named(self, outputs: Feeds) -> Feeds:
        return outputs
