"""The system check: receivers whose sender no send has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.checks import Warning as CheckWarning

from clarion._core import registry
from clarion._core.names import described, signal_name
from clarion._core.tabled import table_of
from clarion.integrations.django.dispatch.entries import UnknownSender
from clarion.integrations.django.dispatch.senders import fault_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def check_senders(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckWarning]:  # noqa: ARG001
    """Return a warning for each receiver of Django's model signals that is never called.

    Django's own checks find the text "app.Model" that names no model.
    """
    return sorted(_warnings(), key=lambda warning: str(warning.msg))


def _warnings() -> Iterator[CheckWarning]:
    for signal in registry.signals():
        for registration in table_of(signal).registrations():
            sender = registration.sender
            if isinstance(sender, UnknownSender):  # connected before Clarion was installed
                continue
            fault = fault_of(signal, sender, subclasses=registration.subclasses)
            receiver = registration.live()
            if fault is not None and receiver is not None:
                yield CheckWarning(
                    f"Receiver {described(receiver)} of signal {signal_name(signal)} is connected "
                    f"to {fault.sender}.",
                    hint=fault.cure,
                    id="clarion.W001",
                )
