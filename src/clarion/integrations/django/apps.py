"""The Django app, which installs Clarion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig

from clarion.integrations.django.dispatch.install import install

if TYPE_CHECKING:
    from types import ModuleType


class ClarionConfig(AppConfig):
    """The configuration of the app. Creating it calls `install()`.

    Django creates it before it imports any app's models. So receivers there may use Clarion's
    arguments, at any position of this app in INSTALLED_APPS.
    """

    name = "clarion.integrations.django"
    label = "clarion"
    verbose_name = "Clarion"

    def __init__(self, app_name: str, app_module: ModuleType) -> None:
        super().__init__(app_name, app_module)
        install()
