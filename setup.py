"""What pyproject.toml cannot say: a wheel holds the compiled core, and `configs/`."""

import shutil
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent


class BuildPackage(build_py):
    """Puts `slim/runtime/_core.so` and `slim/configs/` beside the modules. An editable install needs neither."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        sys.path.insert(0, str(ROOT))
        from slim.core.compile import compile_library

        package = Path(self.build_lib) / "slim"
        compile_library(package / "runtime" / "_core.so")
        shutil.copytree(ROOT / "configs", package / "configs", dirs_exist_ok=True)


class PlatformWheel(bdist_wheel):
    """Any Python 3 can load the library: it is called through ctypes."""

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


class WithLibrary(Distribution):
    """A distribution that belongs to one platform."""

    def has_ext_modules(self):
        return True


setup(cmdclass={"build_py": BuildPackage, "bdist_wheel": PlatformWheel}, distclass=WithLibrary)
