"""ONNX files: read without copying weights, checked, functions inlined, inputs bound, shapes inferred, opset 21."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import onnx
import onnx_ir as ir
from onnx_ir.passes.common import InlinePass

from slim.errors import LoadError, Problem
from slim.load.foreign import foreign
from slim.load.inputs import bind_inputs
from slim.load.opset import to_opset_21
from slim.load.settle import settle_shapes
from slim.load.shapes import check_nodes, infer_shapes
from slim.load.stand_ins import STAND_INS
from slim.load.structure import structure_problems
from slim.load.tensor_checks import tensor_problems

OLDEST = 7

logging.getLogger("onnx_ir").addHandler(logging.NullHandler())  # what it warns of, slim raises with a place


def load_onnx(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> ir.Model:
    """The ONNX file at `path` as slim's stages expect it (see `slim.load.load`). Weights stay where they are: in the
    parsed file, or memory-mapped in external files."""
    where = str(path)
    with foreign(where, "cannot be read as an ONNX file", "is it complete, and an .onnx file?"):
        proto = onnx.load(path, load_external_data=False)
    _check(proto, path)
    with foreign(where, "cannot be read as an ONNX graph", "check it with onnx.checker"):
        model = ir.from_proto(proto)
        ir.external_data.set_base_dir(model.graph, path.parent)
    return prepare(model, shapes, where)


def prepare(model: ir.Model, shapes: Mapping[str, tuple[int, ...]], where: str) -> ir.Model:
    """Everything after reading: inline, bind, infer, convert. In place; returns the same model."""
    with foreign(where, "its functions cannot be inlined"):
        if model.functions:
            InlinePass()(model)
    problems = structure_problems(model, where)
    if problems:
        raise LoadError(problems)
    with foreign(where, "its nodes cannot be ordered"):
        model.graph.sort()
    _forget_claims(model)
    bind_inputs(model, shapes, where)
    check_nodes(model, where)
    infer_shapes(model, where)
    to_opset_21(model, where)
    settle_shapes(model, where)
    model.metadata_props.setdefault("slim.source", "onnx")
    return model


def _check(proto: onnx.ModelProto, path: Path) -> None:
    """Refuse what later steps could not survive: damaged weights, foreign operators, unreadable opsets."""
    with foreign(str(path), "is damaged"):
        problems = tensor_problems(proto, path)
        if not proto.HasField("graph") or not proto.graph.node:
            problems.append(Problem("holds no graph", str(path), "is it an ONNX model?"))
        versions = {item.domain if item.domain != "ai.onnx" else "": item.version for item in proto.opset_import}
        version = versions.get("", 1)
        newest = onnx.defs.onnx_opset_version()
        if not OLDEST <= version <= newest and any(node.domain in ("", "ai.onnx") for node in proto.graph.node):
            do = f"slim reads {OLDEST} to {newest}; export or convert the model again"
            problems.append(Problem(f"has opset {version}", str(path), do))
        problems += _unknown_operators(proto, path)
    if problems:
        raise LoadError(problems)


def _unknown_operators(proto: onnx.ModelProto, path: Path) -> list[Problem]:
    functions = {(function.domain, function.name) for function in proto.functions}
    nodes: dict[str, list[str]] = defaultdict(list)
    version = max((item.version for item in proto.opset_import if item.domain in ("", "ai.onnx")), default=1)
    for graph_nodes in [proto.graph.node, *(function.node for function in proto.functions)]:
        for node in graph_nodes:
            domain = "" if node.domain == "ai.onnx" else node.domain
            if (node.domain, node.op_type) in functions or (domain == "com.microsoft" and node.op_type in STAND_INS):
                continue
            if domain or not onnx.defs.has(node.op_type, max_inclusive_version=version):
                nodes[f"{domain}.{node.op_type}" if domain else node.op_type].append(node.name)
    return [unknown_operator(operator, names, str(path)) for operator, names in nodes.items()]


def unknown_operator(operator: str, names: list[str], where: str) -> Problem:
    """One problem for all nodes of an operator: its count and the first few names."""
    shown = ", ".join(f"'{name}'" for name in names[:5]) + (", ..." if len(names) > 5 else "")
    count = f"{len(names)} node{'s' if len(names) > 1 else ''}"
    return Problem(f"operator {operator} is not known ({count}: {shown})", where, "export the network without it")


def _forget_claims(model: ir.Model) -> None:
    """Drop the shapes that the file claims for computed values: they may hold open dims, or be wrong."""
    for node in model.graph:
        for value in node.outputs:
            value.shape = None
