"""Bundle Clarion's integration if sqlalchemy.orm is found after Clarion."""

# $PyInstaller-Hook-Priority: -3000
# Lower than that of any other hook of sqlalchemy.orm, which PyInstaller then runs instead.

from typing import Any

from clarion.integrations.pyinstaller.hooks import add_integrations


def hook(api: Any) -> None:
    """Add the imports that PyInstaller cannot see."""
    add_integrations(api)
