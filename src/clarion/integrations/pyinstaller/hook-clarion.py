"""Bundle the version of Clarion, and its integrations with the frameworks of the program."""

from importlib.metadata import PackageNotFoundError
from typing import Any

from PyInstaller.utils.hooks import collect_data_files, copy_metadata

from clarion.integrations.pyinstaller.hooks import add_integrations

try:
    datas = copy_metadata("clarion-signals")
except PackageNotFoundError:  # Clarion is not installed, but on the path
    datas = []
datas += collect_data_files("clarion.outbox", includes=["sql/*.sql"])


def hook(api: Any) -> None:
    """Add the imports that PyInstaller cannot see."""
    add_integrations(api)
