"""The Django door: every Django signal dispatches through Clarion.

Add `"clarion.integrations.django"` to INSTALLED_APPS, or call `install()`. Nothing
else changes: `post_save`, `django.dispatch.Signal`, `@receiver`, lazy senders and what
other packages do to them work as before, and `connect` and `@receiver` also take
Clarion's `priority`, `once`, `subclasses` and `inline`.

Where Django's ways differ from Clarion's, Django's hold here: receivers are held weakly
by default, are checked only under DEBUG, and sync ones run thread-sensitively in
`asend`.
"""

from clarion.integrations.django.takeover import install, is_installed, uninstall

__all__ = ["install", "is_installed", "uninstall"]
