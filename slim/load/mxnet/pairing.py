"""The params file that belongs to a symbol file: `X-symbol.json` with its newest `X-NNNN.params`."""

from __future__ import annotations

import re
from pathlib import Path


def find_params(symbol: Path) -> Path | None:
    """The params file of the highest epoch beside the symbol file, or None.

    For `X-symbol.json` and `X.json` that is `X-NNNN.params`, else `X.params`."""
    stem = symbol.name.removesuffix(".json").removesuffix("-symbol")
    epochs = re.compile(re.escape(stem) + r"-(\d{4,})\.params\Z")
    found = [(int(match[1]), file) for file in symbol.parent.iterdir() if (match := epochs.match(file.name))]
    if found:
        return max(found)[1]
    plain = symbol.parent / f"{stem}.params"
    return plain if plain.is_file() else None
