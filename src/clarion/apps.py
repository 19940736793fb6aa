"""The Django app of `"clarion"` in INSTALLED_APPS: the same as `"clarion.integrations.django"`."""

from __future__ import annotations

from clarion.integrations.django.apps import ClarionConfig

__all__ = ["ClarionConfig"]
