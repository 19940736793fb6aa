"""What pyproject.toml cannot say: the sends have a compiled twin where there is a compiler."""

import sysconfig

from setuptools import Extension, setup

twin = Extension(
    "clarion._core._send",
    sources=["src/clarion/_core/_send.c"],
    optional=True,  # without a compiler Clarion is installed all the same, in Python
)

# It relies on the interpreter's lock, which free-threaded builds do not have.
setup(ext_modules=[] if sysconfig.get_config_var("Py_GIL_DISABLED") else [twin])
