"""The one place where calibration runs a model: every other file of this room asks here for tensor values.

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
    """A function that runs `model` on `{input: array}` and returns the values of `names` (any value in the graph)."""
    import onnx_ir as ir
    import onnxruntime

    watched = model.clone()
    values = {value.name: value for node in watched.graph for value in node.outputs}
    values.update({value.name: value for value in watched.graph.inputs})
    watched.graph.outputs.clear()
    computed = [name for name in names if values[name].producer() is not None]
    if not computed:
        return lambda feeds: {name: np.asarray(feeds[name]) for name in names}
    watched.graph.outputs.extend(values[name] for name in computed)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(ir.to_proto(watched).SerializeToString(), options)
    inputs = {value.name for value in session.get_inputs()}

    def run(feeds: Mapping[str, Array]) -> dict[str, Array]:
        outputs = session.run(computed, {name: np.asarray(array) for name, array in feeds.items() if name in inputs})
        found = dict(zip(computed, outputs, strict=True))
        return {name: found[name] if name in found else np.asarray(feeds[name]) for name in names}

    return run
