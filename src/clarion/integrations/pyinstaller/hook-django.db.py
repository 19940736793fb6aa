"""Bundle Clarion's integration if django.db is found after Clarion."""

# $PyInstaller-Hook-Priority: -3000
# Lower than that of any other hook of django.db, which PyInstaller then runs instead.

from typing import Any

from clarion.integrations.pyinstaller.hooks import add_integrations


def hook(api: Any) -> None:
    """Add the imports that PyInstaller cannot see."""
    add_integrations(api)
