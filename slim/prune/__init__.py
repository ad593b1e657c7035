"""Passes that only remove: what nothing reads, and what only training needs. One pass a file.

Every pass takes an `onnx_ir.Model`, edits it in place, and returns a `PassReport`. `edit` holds the operations on
graphs that these passes and those of `slim.graph` share.
"""

from __future__ import annotations

import onnx_ir as ir

from slim.prune.report import PassReport
from slim.prune.training import remove_training
from slim.prune.unused import remove_unused

__all__ = ["PassReport", "prune_unused", "remove_training", "remove_unused"]


def prune_unused(model: ir.Model) -> PassReport:
    """Remove training-only nodes, then everything that is no longer read. Edits the model in place."""
    notes = remove_training(model).notes + remove_unused(model).notes
    return PassReport.of("prune-unused", notes)
