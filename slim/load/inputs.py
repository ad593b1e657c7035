"""Open dimensions of a graph's inputs: bound by the shapes that the caller gives, or reported with what to give."""

from __future__ import annotations

from collections.abc import Mapping

import onnx_ir as ir

from slim.errors import LoadError, Problem


def bind_inputs(model: ir.Model, shapes: Mapping[str, tuple[int, ...]], where: str) -> None:
    """Give every graph input static dims; in place.

    1. Initializers listed as inputs (ONNX before IR version 4) stop being inputs; a dim of -1, as some exporters write
       it, is an open one.
    2. `shapes` binds an input's open dims; the dims that the file fixes must agree.
    3. A dim name bound on one input (such as `N`) is bound on the others.
    4. A lone open leading dim is a batch and becomes 1, noted in `metadata_props['slim.batch']`.

    Raises `LoadError` with every input that stays open, every unknown name and every contradiction."""
    graph = model.graph
    kept = [value for value in graph.inputs if not value.is_initializer()]
    if len(kept) != len(graph.inputs):
        graph.inputs[:] = kept
    for value in kept:
        if value.shape is not None and any(dim == -1 for dim in value.shape.dims):
            value.shape = ir.Shape([None if dim == -1 else dim for dim in value.shape.dims])
    names = [value.name or "" for value in kept]
    problems = [
        Problem(f"there is no input '{name}'", where, f"the inputs are {', '.join(names)}")
        for name in shapes
        if name not in names
    ]
    bound: dict[str, int] = {}
    for value in kept:
        problems += _bind_given(value, shapes.get(value.name or ""), bound, where)
    if problems:
        raise LoadError(problems)
    for value in kept:
        problems += _bind_rest(model, value, bound, where)
    if problems:
        raise LoadError(problems)


def _bind_given(value: ir.Value, given: tuple[int, ...] | None, bound: dict[str, int], where: str) -> list[Problem]:
    place = f"{where}: input '{value.name}'"
    if not isinstance(value.type, ir.TensorType):
        return [Problem(f"is a {type(value.type).__name__}, not a tensor", place, "slim runs networks of tensors")]
    if given is None:
        return []
    dims = given if value.shape is None else value.shape.dims
    fixed = all(not isinstance(dim, int) or dim == new for dim, new in zip(dims, given, strict=False))
    if len(dims) != len(given) or not fixed:
        text = ",".join(str(dim) if isinstance(dim, int) else "?" for dim in dims)
        return [Problem(f"the file has the shape {text}, not {','.join(map(str, given))}", place, _option(value))]
    for dim, new in zip(dims, given, strict=True):
        if isinstance(dim, ir.SymbolicDim) and dim.value is not None:
            bound.setdefault(dim.value, new)
    value.shape = ir.Shape(given)
    return []


def _bind_rest(model: ir.Model, value: ir.Value, bound: dict[str, int], where: str) -> list[Problem]:
    place = f"{where}: input '{value.name}'"
    if value.shape is None:
        return [Problem("its shape is open", place, f"give --shape {value.name}=1,3,224,224")]
    dims = [bound.get(str(dim.value), dim) if isinstance(dim, ir.SymbolicDim) else dim for dim in value.shape.dims]
    still_open = [index for index, dim in enumerate(dims) if not isinstance(dim, int)]
    if still_open == [0]:
        dims[0] = 1
        model.metadata_props["slim.batch"] = "1"
    elif still_open:
        text = ",".join(str(dim) if isinstance(dim, int) else "?" for dim in dims)
        return [Problem(f"its shape {text} is open", place, _option(value))]
    if any(isinstance(dim, int) and not 0 < dim < 2**31 for dim in dims):
        return [Problem(f"its shape {dims} has a dimension below 1", place, "export the network with another")]
    value.shape = ir.Shape(dims)
    return []


def _option(value: ir.Value) -> str:
    """The option to give, with the file's fixed dims and the usual image for the open ones."""
    dims = [] if value.shape is None else list(value.shape.dims)
    image = [1, 3, 224, 224] if len(dims) == 4 else [1] * len(dims)
    example = [dim if isinstance(dim, int) else guess for dim, guess in zip(dims, image, strict=True)]
    return f"give --shape {value.name}={','.join(map(str, example))}"
