"""The one place where calibration runs a model, on the C core: all of this room asks here for tensor values.

`run_all` takes a model and names of its values and gives a function from feeds to those values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx_ir as ir

Array = npt.NDArray[Any]
Run = Callable[[Mapping[str, Array]], dict[str, Array]]


def run_all(model: ir.Model, names: Sequence[str]) -> Run:
    """A function that runs `model` on `{input: array}` and returns the values of `names` (any value in the graph).

    It runs on the C core. Raises UnsupportedError when that lacks an operator, CoreError for inputs that do not fit.
    """
    from slim.lower import lower
    from slim.runtime import Session

    watched = model.clone()
    values = {value.name: value for node in watched.graph for value in node.outputs}
    computed = [name for name in names if name in values]
    if not computed:
        return lambda feeds: {name: np.asarray(feeds[name]) for name in names}
    watched.graph.outputs.clear()
    watched.graph.outputs.extend(values[name] for name in computed)
    session = Session(bytes(lower(watched)))
    inputs = {tensor.name for tensor in session.inputs}

    def run(feeds: Mapping[str, Array]) -> dict[str, Array]:
        found = session.run({name: np.asarray(array) for name, array in feeds.items() if name in inputs})
        return {name: found[name] if name in found else np.asarray(feeds[name]) for name in names}

    return run
