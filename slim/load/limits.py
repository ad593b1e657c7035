"""How large a tensor may be that a file or a caller asks for."""

MAX_ELEMENTS = 2**31
"""Largest tensor in elements; a damaged attribute would give more, and 32-bit targets could not address it."""
