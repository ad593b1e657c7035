"""Fill in shapes that became known once constants were folded."""

from __future__ import annotations

import onnx_ir as ir

from slim.prune.edit import dims


def infer_missing_shapes(model: ir.Model) -> bool:
    """Run ONNX's shape inference when a standard operator's output has no static shape or no dtype; in place.

    Loaded models have every shape already, so this costs one walk over the graph. True when inference was run."""
    missing = any(
        dims(output) is None or output.dtype is None
        for node in model.graph
        if node.domain == ""
        for output in node.outputs
    )
    if missing:
        import logging

        from onnx_ir.passes import common

        logger = logging.getLogger("onnx_ir.passes.common.shape_inference")
        logger.disabled, before = True, logger.disabled  # it logs a traceback; what stays unknown is reported later
        try:
            common.ShapeInferencePass(check_type=False, strict_mode=False, data_prop=True)(model)
        finally:
            logger.disabled = before
    return missing
