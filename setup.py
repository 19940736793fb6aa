"""Build the optional C extension, which pyproject.toml cannot declare."""

import sysconfig

from setuptools import Extension, setup

CORE = "src/clarion/_core"

extension = Extension(
    "clarion._core._send",
    sources=[f"{CORE}/_send.c"],
    depends=[f"{CORE}/_state.h", f"{CORE}/_find.h"],
    optional=True,  # without a compiler, Clarion installs in pure Python
)

# The extension relies on the GIL, which free-threaded builds do not have.
setup(ext_modules=[] if sysconfig.get_config_var("Py_GIL_DISABLED") else [extension])
