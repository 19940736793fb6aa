"""The system checks: what `clarion.doctor` finds, as warnings and errors of Django."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.checks import Error, Tags, register
from django.core.checks import Warning as CheckWarning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.checks import CheckMessage

    from clarion.doctor import Finding


def register_checks() -> None:
    """Register the system checks. Calling it again changes nothing."""
    register(check_senders, Tags.signals)
    register(check_receivers, Tags.signals)
    register(check_deliveries, Tags.database)


def check_senders(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001
    """Return a warning for each receiver of Django's model signals that is never called.

    Django's own checks find a sender such as "app.Model" whose model does not exist.
    """
    doctor = _doctor()
    return _messages(list(doctor.unsent_senders(doctor.program())))


def check_receivers(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001
    """Return a warning or an error for each other finding in the apps of the project.

    It reads the source files of these apps, and no database.
    """
    return _messages(_doctor().other_findings())


def check_deliveries(
    app_configs: Sequence[Any] | None = None,  # noqa: ARG001
    databases: Sequence[str] | None = None,
    **kwargs: Any,  # noqa: ARG001
) -> list[CheckMessage]:
    """Return a warning for each receiver of stored deliveries that is not connected.

    It reads the databases, so Django runs it at `migrate`, and at `check --database`.
    """
    return _messages(list(_doctor().unknown_deliveries(databases or ())))


def _doctor() -> Any:
    # Late, because it loads the outbox, which most projects do not need.
    from clarion.integrations.django import doctor

    return doctor


def _messages(found: Sequence[Finding]) -> list[CheckMessage]:
    messages = [
        (Error if each.code.startswith("E") else CheckWarning)(
            each.problem,
            hint=each.cure,
            obj=each.place or each.subject,
            id=f"clarion.{each.code}",
        )
        for each in found
    ]
    return sorted(messages, key=lambda message: str(message.msg))
