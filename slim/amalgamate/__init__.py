"""A network as one C file: the same core that `slim.runtime` loads, written out for a target.

Programs come from `slim.lower`, targets from `configs/targets/*.toml`; the folder that `build` writes needs a C
compiler and nothing else.
"""

from slim.amalgamate.build import BuildResult, build
from slim.amalgamate.sizes import code_size
from slim.amalgamate.targets import Target, list_targets, load_target

__all__ = ["BuildResult", "Target", "build", "code_size", "list_targets", "load_target"]
