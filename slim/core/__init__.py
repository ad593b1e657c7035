"""The C inference core, and the two Python pages that describe it.

`format.py` describes the `.slim` program once (the C header is generated from it), `manifest.py` is the one ordered
list of the C files: the library that `slim.runtime` loads and the single file that `slim.amalgamate` writes are both
made from it.
"""
