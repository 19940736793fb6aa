"""The Django app, which installs Clarion."""

from __future__ import annotations

import sys
from importlib import import_module
from itertools import repeat
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import autodiscover_modules

from clarion._core.autodiscover import USUAL
from clarion._core.commands import offer_commands
from clarion._core.loading import report_after_loading
from clarion._core.names import value_name
from clarion.integrations.django import checks
from clarion.integrations.django.dispatch.install import install
from clarion.integrations.django.outbox.checks import register_checks

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
        report_after_loading(_is_loading)

    def ready(self) -> None:
        """Register the checks, and import what the setting names.

        `CLARION_AUTODISCOVER` names the modules to import from each app.
        """
        offer_commands("manage.py clarion")
        checks.register_checks()
        register_checks()
        names = _modules(getattr(settings, "CLARION_AUTODISCOVER", False))
        autodiscover_modules(*names)
        for name in names:
            if name != USUAL and not any(map(_has, apps.get_app_configs(), repeat(name))):
                raise ImproperlyConfigured(
                    f"CLARION_AUTODISCOVER names the module {name}, which no installed app has. "
                    f"Correct its name."
                )


def _is_loading() -> bool:
    """Return whether Django loads its apps now. Its system checks run afterwards."""
    return apps.loading and not apps.ready


def _has(app: AppConfig, module: str) -> bool:
    """Return whether a module of an app was imported."""
    return f"{app.name}.{module}" in sys.modules


def _modules(setting: object) -> list[str]:
    """Return the names of the modules to import from each app."""
    if setting is True:
        return [USUAL]
    names: Any = [setting] if isinstance(setting, str) else setting or []
    is_list = type(names) in {list, tuple}
    if not is_list or not all(isinstance(name, str) and name.isidentifier() for name in names):
        raise ImproperlyConfigured(
            f"CLARION_AUTODISCOVER is {value_name(setting)}. Set it to True for the module receivers of "
            f"each app, or to the names of modules."
        )
    return list(names)


def _is_listed_already() -> bool:
    """Return whether Django, which loads its apps now, has loaded this one."""
    return not apps.apps_ready and isinstance(apps.app_configs.get("clarion"), ClarionConfig)
