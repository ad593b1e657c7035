"""setuptools' build backend, which asks for `ziglang` where a wheel is to be built and there is no C compiler.

An editable install compiles nothing: `slim.core.compile` does so when the core is first used.
"""

import os
import shutil

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403


def get_requires_for_build_wheel(config_settings=None):
    needs = build_meta.get_requires_for_build_wheel(config_settings)
    compilers = ("cc", "gcc", "clang")
    if "CC" not in os.environ and not any(map(shutil.which, compilers)):
        needs.append("ziglang>=0.13")
    return needs
