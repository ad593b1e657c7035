"""What 8 bits cost: the outputs of the quantized model beside those of the float one, on the C core, on samples.

The same samples that calibrated it flatter it a little; labelled images that nothing was chosen by are the judge of
accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from slim.quantize.executor import run_all

if TYPE_CHECKING:
    import onnx_ir as ir

MOST = 64
"""Samples that are compared: enough for a share in steps of under two in a hundred."""


@dataclass(frozen=True)
class Agreement:
    """How well two models' outputs agree."""

    samples: int
    sqnr_db: float  # signal to quantization noise of all outputs together; inf where they are the same
    same_largest: float  # share of samples whose first output has its largest value in the same place (the same top-1)


def agreement(before: ir.Model, after: ir.Model, samples: Iterable[Mapping[str, np.ndarray[Any, Any]]]) -> Agreement:
    """Run both models on up to 64 samples. Their outputs have the same names.

    Raises UnsupportedError when the core lacks an operator.
    """
    names = [value.name or "" for value in before.graph.outputs]
    run_before, run_after = run_all(before, names), run_all(after, names)
    signal = noise = 0.0
    same = count = 0
    for feeds in islice(samples, MOST):
        expected, got = run_before(feeds), run_after(feeds)
        for name in names:
            reference = expected[name].astype(np.float64)
            signal += float(np.square(reference).sum())
            noise += float(np.square(got[name] - reference).sum())
        same += int(expected[names[0]].argmax() == got[names[0]].argmax())
        count += 1
    decibels = math.inf if noise == 0 else 10 * math.log10(max(signal, 1e-300) / noise)
    return Agreement(count, decibels, same / max(count, 1))
