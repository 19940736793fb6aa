"""The app: being in INSTALLED_APPS is all it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig

from clarion.integrations.django.dispatch.install import install

if TYPE_CHECKING:
    from types import ModuleType


class ClarionConfig(AppConfig):
    """Takes Django's signals over when Django creates it.

    That is before any app's models are imported, so receivers there may already use
    Clarion's arguments, wherever in INSTALLED_APPS this app stands.
    """

    name = "clarion.integrations.django"
    label = "clarion"
    verbose_name = "Clarion"

    def __init__(self, app_name: str, app_module: ModuleType) -> None:
        super().__init__(app_name, app_module)
        install()
