"""Passes that rewrite the graph into an equal, smaller one: fold, fuse, recognise. One pass a file.

Every pass takes an `onnx_ir.Model`, edits it in place, and returns a `PassReport`; its docstring numbers its rules. The
result is a standard ONNX model with the same inputs, outputs and answers, and with every dtype and shape up to date.
"""

from __future__ import annotations

from slim.graph.simplify import PASSES, simplify
from slim.prune.report import PassReport

__all__ = ["PASSES", "PassReport", "simplify"]
