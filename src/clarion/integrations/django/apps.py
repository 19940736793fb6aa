"""The Django app, which installs Clarion."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from django.apps import AppConfig, apps
from django.core.checks import Tags, register

from clarion.integrations.django.checks import check_senders
from clarion.integrations.django.dispatch.install import install

if TYPE_CHECKING:
    from types import ModuleType


class ClarionConfig(AppConfig):
    """The configuration of the app. Creating it calls `install()`.

    Django creates it before it imports any app's models. So receivers there may use Clarion's
    arguments, at any position of this app in INSTALLED_APPS.

    `"clarion"` and `"clarion.integrations.django"` both select it.
    """

    name = "clarion.integrations.django"
    label = "clarion"
    verbose_name = "Clarion"

    def __init__(self, app_name: str, app_module: ModuleType) -> None:
        if _is_listed_already():
            # Both entries are in INSTALLED_APPS. Django requires unique names and labels, so the
            # second one becomes an app that has no commands.
            app_name, self.label, app_module = "clarion", "clarion_again", import_module("clarion")
        super().__init__(app_name, app_module)
        install()

    def ready(self) -> None:
        """Register the system check."""
        register(check_senders, Tags.signals)


def _is_listed_already() -> bool:
    """Return whether Django, which loads its apps now, has loaded this one."""
    return not apps.apps_ready and isinstance(apps.app_configs.get("clarion"), ClarionConfig)
