"""A graph becomes a program of the C core: layout, packing, fusion, a flat list of operators.

`lower(model) -> bytearray` is the whole of it; `unsupported(model)` lists what stands in the way without raising.
"""

from slim.lower.lower import lower, unsupported
from slim.lower.program import ProgramBuilder

__all__ = ["ProgramBuilder", "lower", "unsupported"]
