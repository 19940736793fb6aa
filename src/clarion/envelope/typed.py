"""The payload of declared signals: msgspec encodes each keyword by its annotation.

The decoder is built when a receiver is connected. So an annotation is refused there if its values
could not come back, such as a union of two records. At the send, the payload is decoded once. A
value that does not come back equal and of the same type is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, get_type_hints

from clarion._core.names import described, quoted_name, signal_name, value_name
from clarion.envelope.conversions import Conversion, conversions
from clarion.envelope.plain import Problem
from clarion.envelope.same import difference
from clarion.errors import DeclarationError, MissingExtraError

if TYPE_CHECKING:
    from clarion._core.declare import DeclaredSignal

try:
    import msgspec
except ImportError as error:
    raise MissingExtraError.because(
        error, "msgspec", "msgspec", needed_by="The payload of a declared signal"
    ) from error


def _dump_model(value: Any) -> Any:
    return value.model_dump(mode="json")


def _conversion_of(kind: Any) -> Conversion | None:
    if (conversion := conversions.get(kind)) is not None:
        return conversion
    # Models of pydantic, without importing it.
    if isinstance(kind, type) and hasattr(kind, "__pydantic_validator__"):
        model: Any = kind
        return Conversion(model, _dump_model, model.model_validate)
    return None


def _to_json(value: Any) -> Any:
    conversion = _conversion_of(type(value))
    if conversion is None:
        raise NotImplementedError(f"is {value_name(value)}")
    return conversion.to_json(value)


def _from_json(kind: type, value: Any) -> Any:
    conversion = _conversion_of(kind)
    if conversion is None:
        raise NotImplementedError(f"is of {kind.__qualname__}")
    return conversion.from_json(value)


_encoder = msgspec.json.Encoder(enc_hook=_to_json)


class TypedValues:
    """Encodes and decodes the keywords of one declared signal by their annotations.

    Args:
        signal: the signal.
        keywords: the keywords that it encodes; the others are stored as references.

    Raises:
        DeclarationError: if the values of an annotation could not come back.
    """

    def __init__(self, signal: DeclaredSignal[..., Any], keywords: tuple[str, ...]) -> None:
        hints = annotations_of(signal)
        self._fields = {name: hints.get(name, Any) for name in keywords}
        for name, annotation in self._fields.items():
            _check_annotation(signal, name, annotation)
        self._decoder = _decoder(self._fields)

    def dump(self, values: dict[str, Any]) -> bytes | Problem:
        """Return the keywords as JSON, or the first value that would not come back."""
        for name, value in values.items():
            if (problem := self._problem(name, value)) is not None:
                return problem
        return _encoder.encode(values)

    def _problem(self, name: str, value: Any) -> Problem | None:
        try:
            decoded = self._decoder.decode(_encoder.encode({name: value}))
        except (TypeError, ValueError, NotImplementedError, RecursionError) as error:
            return Problem(name, _reason(error, value, name))
        return difference(value, decoded[name], name)

    def load(self, data: bytes) -> dict[str, Any]:
        """Return the keywords from their JSON.

        Raises:
            ValueError: if the payload does not fit the annotations.
        """
        values: dict[str, Any] = self._decoder.decode(data)
        return values


def annotations_of(signal: DeclaredSignal[..., Any]) -> dict[str, Any]:
    """Return the types of a declared signal's keywords.

    Raises:
        DeclarationError: if an annotation names something that cannot be found at run time.
    """
    function: Any = signal.__wrapped__
    try:
        return get_type_hints(function, include_extras=True)
    except NameError as error:
        raise DeclarationError(
            f"The annotations of {described(function)} cannot be read: {error}. A stored payload is "
            f"decoded by them, so import the name outside `if TYPE_CHECKING`."
        ) from error


def _decoder(fields: dict[str, Any]) -> Any:
    """Return a decoder of dictionaries in which any field may be missing."""
    optional = {name: NotRequired[annotation] for name, annotation in fields.items()}
    create: Any = TypedDict  # mypy knows the form with a literal only
    shape = create("Payload", optional)
    return msgspec.json.Decoder(shape, dec_hook=_from_json)


def _check_annotation(signal: DeclaredSignal[..., Any], name: str, annotation: Any) -> None:
    try:
        _decoder({name: annotation})
        unknown = _unknown_class(msgspec.inspect.type_info(annotation))
    except (TypeError, NotImplementedError, RecursionError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
    else:
        if unknown is None:
            return
        reason = f"{unknown.__module__}.{unknown.__qualname__} is not known to msgspec"
    raise DeclarationError(
        f"Signal {signal_name(signal)} cannot be stored, because of the annotation of "
        f"{quoted_name(name)}: {reason}. Use types that msgspec can decode, or register the class "
        f"with clarion.envelope.register_type."
    )


def _unknown_class(info: Any, seen: frozenset[int] = frozenset()) -> type | None:
    """Return a class in an annotation that nothing can decode, or None."""
    if isinstance(info, msgspec.inspect.CustomType):
        return None if _conversion_of(info.cls) is not None else info.cls
    if id(info) in seen or not isinstance(info, (msgspec.inspect.Type, msgspec.inspect.Field)):
        return None
    members: tuple[Any, ...] = msgspec.structs.astuple(info)
    for member in members:
        parts: Any = (member,)
        if isinstance(member, tuple):
            parts = member  # pyright: ignore[reportUnknownVariableType]
        for part in parts:
            if (found := _unknown_class(part, seen | {id(info)})) is not None:
                return found
    return None


def _reason(error: BaseException, value: Any, name: str) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply, or contains itself"
    if isinstance(error, NotImplementedError):
        return str(error)
    # "Expected `int`, got `str` - at `$.amount`": types only, never the value.
    text = str(error)
    if isinstance(error, msgspec.ValidationError):
        expected, _, place = text.partition(" - at `$.")
        inner = place.rstrip("`").removeprefix(name)
        shown = f" at {inner}" if inner else ""
        return f"does not fit its annotation{shown}: {expected[:1].lower()}{expected[1:]}"
    return f"is {value_name(value)}, which cannot be encoded"
