"""One file an engine, each with the same two names, run inside the engine's own virtual environment.

- `prepare(model, precision, samples, folder) -> Path` converts an ONNX file to the engine's own format with its own
  tools; `samples` are calibration feeds, for int8. Raises `UnsupportedByEngineError` with the reason where it cannot.
- `Engine(file, threads)` loads the result with the engine's best settings. `adapt(feeds)` brings feeds to its layout
  (untimed), `bind(feeds)` hands them over once, `invoke()` runs on what is bound, `call(feeds)` runs the way a user
  would, inputs in and outputs out, and `named(outputs)` maps what it returns to names, where the engine knows them.

Nothing here imports slim except `slim_engine`, and nothing at module level but the standard library, numpy and what
belongs to the engine.
"""

from __future__ import annotations


class UnsupportedByEngineError(Exception):
    """The engine cannot do this; the text says why."""
