"""The best classes of a classifier's output, with their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slim.errors import Problem, SlimError


@dataclass(frozen=True)
class Guess:
    """One class: its index among the labels, its name, and the network's score (a probability or a logit)."""

    index: int
    label: str
    score: float


def best_classes(
    output: np.ndarray[Any, np.dtype[Any]], labels: Sequence[str], first_class: int = 0, count: int = 5
) -> list[Guess]:
    """The `count` highest scores of the first sample, best first. `first_class` is the output index of label 0.

    Raises SlimError when there are fewer outputs than labels."""
    scores = np.asarray(output).reshape(-1)[first_class:]
    if len(scores) < len(labels):
        what = f"{len(labels)} labels for {len(scores)} outputs"
        raise SlimError(Problem(what, do="give the list that the network was trained with"))
    order = np.argsort(-scores[: len(labels)], kind="stable")[:count]
    return [Guess(int(index), labels[index], float(scores[index])) for index in order]
