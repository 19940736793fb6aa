"""Names that signals of other libraries have, and what to write instead."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Never


class Misnamed:
    """An attribute that a signal does not have; its error names the right one.

    It costs nothing where it is not used. A `__getattr__` would make each send slower.

    Args:
        cure: what to write instead.
    """

    def __init__(self, cure: str) -> None:
        self._cure = cure
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> Never:
        # Without `obj`, a traceback does not add "Did you mean" with another name of this kind.
        raise AttributeError(
            f"A signal has no attribute {self._name!r}. Write {self._cure}.", name=self._name
        )


_CURES = {
    "`signal.send(sender, ...)`": "emit fire trigger notify dispatch publish",
    "`await signal.asend(sender, ...)`": "emit_async send_async aemit",
    "`signal.connect(receiver)`": "subscribe register add_listener listen on",
    "`@receiver(signal, sender=...)`": "connect_via",
    "`with signal.connected(receiver, sender=...):`": "connected_to temporarily_connected_to",
    "a subclass of `Signal` that overrides `connect`": "receiver_connected",
    "a subclass of `Signal` that overrides `disconnect`": "receiver_disconnected",
    "`signal.disconnect(receiver)`": "unsubscribe unregister remove_listener off",
    "`clarion.introspect.registrations(signal)`": "receivers listeners",
    "`clarion.introspect.explain(signal, sender)`": "receivers_for",
    "`signal.has_listeners(sender)`": "has_receivers_for has_receivers",
    "`with clarion.testing.muted(signal):`": "muted blocked",
}

MISNAMED = {name: Misnamed(cure) for cure, names in _CURES.items() for name in names.split()}
"""The attributes that a signal does not have, by name."""
