"""Convert the arguments of a send to a payload, and back.

A payload is JSON in UTF-8:

    {"sender": ..., "references": {"order": {...}}, "values": {"amount": 42}}

The values of a plain signal are strict JSON. msgspec encodes the values of a declared signal by
its annotations. Those of a framework's signal are stored by their types. An object of a database is
stored as a reference.
"""

from __future__ import annotations

from json.encoder import encode_basestring as quote
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

from clarion._core.commands import command_line
from clarion._core.declare import DeclaredSignal
from clarion._core.names import keyword_names, quoted_name, signal_name
from clarion._core.tabled import policy_of, table_of
from clarion.envelope import plain, tagged
from clarion.envelope.reference_keywords import (
    check_no_model,
    dump_reference,
    is_reference,
    is_reference_annotation,
    load_reference,
)
from clarion.envelope.references import SESSION, is_session, is_session_class
from clarion.envelope.senders import dump_sender, load_sender
from clarion.envelope.stored_signals import storage_of
from clarion.envelope.upcast import dump_upcasted, upcasted, upcasters_of
from clarion.errors import DecodingError, EncodingError

if TYPE_CHECKING:
    from typing import Never, TypeGuard

    from clarion._core.signal import Signal
    from clarion._core.table import Table
    from clarion.envelope.stored_signals import SignalStorage
    from clarion.envelope.typed import TypedValues


_NEVER_STORED = frozenset({"sender", "signal"})
_NOT_STORED_WITH_SESSION = _NEVER_STORED | {SESSION}
_HEAD = b'{"sender":null,"references":{},"values":'  # without a sender and references


class StoredReference(NamedTuple):
    """A reference in a payload that goes through an upcaster: to one object or a list of them."""

    data: Any


class Codec:
    """Encodes and decodes the sends of one signal.

    Args:
        signal: the signal.

    Attributes:
        name: the name of the signal in stored rows; None until `seal` has looked it up.

    Raises:
        DeclarationError: if the values of an annotation of a declared signal would not come back.
        MissingExtraError: if the signal is declared, and msgspec is not installed.
    """

    def __init__(self, signal: Signal) -> None:
        self.name: str | None = None
        self._storage = storage_of(signal)
        self._upcasters = upcasters_of(signal)
        self._typed: TypedValues | None = None
        self._defaults: dict[str, Any] = {}
        self._references: set[str] = set()  # the keywords whose annotation is a model
        self._declared = self._required = self._provided = frozenset[str]()
        if self._storage is None and _is_declared(signal):
            from clarion.envelope.typed import TypedValues, annotations_of

            parameters = policy_of(signal).parameters or ()
            hints = annotations_of(signal)
            self._references = {
                name for name in parameters if is_reference_annotation(hints.get(name))
            }
            if is_session_class(hints.get(SESSION)):
                self._provided = frozenset({SESSION})
            left_out = self._references | self._provided
            values = tuple(name for name in parameters if name not in left_out)
            for name in values:
                check_no_model(signal, name, hints.get(name))
            self._typed = TypedValues(signal, values)
            self._defaults = dict(getattr(policy_of(signal), "defaults", {}))
            self._declared = frozenset(parameters)
            self._required = self._declared - self._provided - self._defaults.keys()
        self._is_plain = self._storage is None and self._typed is None

    @property
    def version(self) -> int:
        """The version with which sends are stored; it grows with each upcaster."""
        return len(self._upcasters) + 1

    def dump(self, signal: Signal, arguments: dict[str, Any], *, snapshots: bool = False) -> bytes:
        """Return the payload of a send.

        Args:
            signal: the signal.
            arguments: the arguments of the receivers, `sender` and `signal` included.
            snapshots: whether to store the values of objects too, for rows that may be gone.

        Raises:
            EncodingError: if a value would not come back as it is.
        """
        # A short way for most sends.
        scalars = None
        if self._is_plain:
            is_given = SESSION in arguments and self._is_given(arguments[SESSION])
            left_out = _NOT_STORED_WITH_SESSION if is_given else _NEVER_STORED
            scalars = plain.dump_scalars(arguments, left_out)
        if scalars is not None and (head := _short_head(arguments.get("sender"))) is not None:
            return head + scalars + b"}"
        snapshots = snapshots or (self._storage is not None and self._storage.as_sent)
        values: dict[str, Any] = {}
        references: dict[str, Any] = {}
        try:
            sender = dump_sender(arguments.get("sender"), snapshot=snapshots)
            for name, value in arguments.items() if scalars is None else ():
                if name in _NEVER_STORED or (name == SESSION and self._is_given(value)):
                    continue
                if self._is_stored_as_reference(name, value):
                    references[name] = dump_reference(value, name, snapshot=snapshots)
                else:
                    values[name] = value
        except ValueError as error:
            raise EncodingError(
                f"Signal {signal_name(signal)} cannot be stored: {error}.", signal_name(signal)
            ) from None
        encoded = self._dump_values(signal, values) if scalars is None else scalars
        if sender is None and not references:
            return _HEAD + encoded + b"}"
        try:
            head = plain.dump({"sender": sender, "references": references})
        except ValueError:  # UnicodeEncodeError is one
            raise EncodingError(
                f"Signal {signal_name(signal)} cannot be stored: the sender or the key of an object is text "
                f"that is not valid Unicode, or an integer with too many digits. Send another one.",
                signal_name(signal),
            ) from None
        return head[:-1] + b',"values":' + encoded + b"}"

    def _is_given(self, session: object) -> bool:
        """Return whether the worker gives its own session in place of this one."""
        return is_session(session) or (session is None and SESSION in self._provided)

    def _is_stored_as_reference(self, name: str, value: object) -> bool:
        if type(value) in plain.SCALARS:
            return name in self._references
        if self._storage is not None and (
            name in self._storage.keywords or issubclass(type(value), (tuple, type))
        ):
            return False  # stored by its type
        return name in self._references or is_reference(value)

    def _dump_values(self, signal: Signal, values: dict[str, Any]) -> bytes:
        if self._storage is not None:
            return _dump_tagged(signal, self._storage, values)
        if self._typed is not None:
            encoded = self._typed.dump(values)
            if isinstance(encoded, bytes):
                return encoded
            _refuse(signal, encoded, _TYPED_CURE)
        plainly = plain.dump_members(values)
        if not isinstance(plainly, bytes):
            _refuse(signal, plainly, _PLAIN_CURE)
        return plainly

    def load(
        self,
        signal: Signal,
        payload: bytes,
        version: int,
        session: Any,
        *,
        snapshots: bool = False,
    ) -> dict[str, Any]:
        """Return the arguments of the receivers from a payload.

        Args:
            signal: the signal.
            payload: what `dump` returned.
            version: the version it was stored with.
            session: the session or connection in which references are loaded, or None.
            snapshots: whether an object whose row is gone is returned as it was, if its values were
                stored.

        Raises:
            DecodingError: if the payload is damaged, or does not fit this program.
            NewerVersionError: if it was stored by a newer program.
            GoneError: if an object that it refers to is gone.
        """
        try:
            parts = plain.load(payload)
            references, values = dict(parts["references"]), dict(parts["values"])
            sender = parts["sender"]
        except (ValueError, TypeError, KeyError):
            raise DecodingError(
                f"A stored send of signal {signal_name(signal)} is damaged. Show it with "
                f"`{command_line('outbox show')}`, and discard it.",
                signal_name(signal),
            ) from None
        if version != self.version:
            references, values = _upcast(signal, version, references, values)
        missing = "snapshot" if snapshots else "fail"
        if self._storage is not None:
            values = _load_tagged(self._storage, values, session)
            missing = "as sent" if self._storage.as_sent else missing
        arguments = self._load_values(signal, values)
        if self._typed is not None:
            # As for values, what the signal does not declare any more is left out.
            references = {name: references[name] for name in references if name in self._declared}
            self._check_required(signal, {*arguments, *references})
        for name, data in references.items():
            arguments[name] = load_reference(data, session, missing)
        arguments["sender"] = load_sender(sender, session, missing)
        arguments["signal"] = signal
        return arguments

    def _check_required(self, signal: Signal, names: set[str]) -> None:
        if lacking := self._required - names:
            name = signal_name(signal)
            raise DecodingError(
                f"A stored send of signal {name} has no {keyword_names(lacking)}, which the signal declares. "
                f"Declare a default, or register an upcaster for the older version.",
                name,
            )

    def _load_values(self, signal: Signal, values: dict[str, Any]) -> dict[str, Any]:
        if self._typed is None:
            return values
        encoded = dump_upcasted(signal, values)
        try:
            return {**self._defaults, **self._typed.load(encoded)}
        except ValueError as error:
            name = signal_name(signal)
            raise DecodingError(
                f"A stored send of signal {name} does not fit its annotations: {error}. Register an "
                f"upcaster for the older version.",
                name,
            ) from None


def _short_head(sender: object) -> bytes | None:
    """Return what precedes the values, if the sender is text or None, and there are no references."""
    if sender is None:
        return _HEAD
    if type(sender) is not str:
        return None
    try:
        return f'{{"sender":{{"value":{quote(sender)}}},"references":{{}},"values":'.encode()
    except UnicodeEncodeError:
        return None


def _upcast(
    signal: Signal, version: int, references: dict[str, Any], values: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    stored = {name: StoredReference(data) for name, data in references.items()}
    payload = upcasted(signal, version, {**values, **stored})
    references = {
        name: value.data for name, value in payload.items() if type(value) is StoredReference
    }
    return references, {
        name: value for name, value in payload.items() if type(value) is not StoredReference
    }


def _dump_tagged(signal: Signal, storage: SignalStorage, values: dict[str, Any]) -> bytes:
    encoded: dict[str, Any] = {}
    for name, value in values.items():
        conversion = storage.keywords.get(name)
        try:
            encoded[name] = (
                tagged.encode(value, name) if conversion is None else conversion.dump(value)
            )
        except tagged.UnstorableError as error:
            _refuse(signal, error.problem, _TAGGED_CURE)
        except ValueError as error:
            _refuse(signal, plain.Problem(name, str(error)), _TAGGED_CURE)
    return plain.dump(encoded)


def _load_tagged(storage: SignalStorage, values: dict[str, Any], session: Any) -> dict[str, Any]:
    return {
        name: storage.keywords[name].load(data, session)
        if name in storage.keywords
        else tagged.decode(data, session)
        for name, data in values.items()
    }


_PLAIN_CURE = (
    "Send a value that comes back as it is, or declare the signal with @signal and annotations."
)
_TYPED_CURE = "Send a value that its annotation describes, or change the annotation."
_TAGGED_CURE = "Register its class with clarion.envelope.register_type."


def _refuse(signal: Signal, problem: plain.Problem, cure: str) -> Never:
    name = signal_name(signal)
    keyword = problem.path.partition("[")[0].partition(".")[0]
    raise EncodingError(
        f"Signal {name} cannot be stored with this {quoted_name(keyword)}: {problem.path} "
        f"{problem.reason}. {cure}",
        name,
        keyword,
        problem.path,
    )


def has_references(payload: bytes) -> bool:
    """Return whether a payload refers to an object of a database: its sender, or a value."""
    head = payload.partition(b',"values":')[0]
    return head.startswith(b'{"sender":{"object":') or not head.endswith(b'"references":{}')


def _is_declared(signal: Signal) -> TypeGuard[DeclaredSignal[..., Any]]:
    return isinstance(signal, DeclaredSignal)


# By the id of the table, because a signal may be unhashable. A lookup in a WeakKeyDictionary takes
# several times as long.
_codecs: dict[int, tuple[ref[Table], Codec]] = {}


def codec_of(signal: Signal) -> Codec:
    """Return the codec of a signal, which is built once."""
    table = table_of(signal)
    found = _codecs.get(id(table))
    if found is not None and found[0]() is table:
        return found[1]
    codec, number = Codec(signal), id(table)

    def forget(dead: ref[Table]) -> None:
        if (kept := _codecs.get(number)) is not None and kept[0] is dead:
            del _codecs[number]

    _codecs[number] = ref(table, forget), codec
    return codec
