"""The payload of declared signals: msgspec encodes each keyword by its annotation.

The decoder is built when a receiver is connected. So an annotation is refused there if its values
could not come back, such as a union of two records. At the send, the payload is decoded once. A
value that does not come back equal and of the same type is refused.
"""

from __future__ import annotations

from types import BuiltinFunctionType
from typing import (
    TYPE_CHECKING,
    Any,
    NamedTuple,
    NotRequired,
    TypedDict,
    get_origin,
    get_type_hints,
)

from clarion._core.names import described, quoted_name, signal_name, value_name
from clarion.envelope.conversions import conversion_of
from clarion.envelope.plain import Problem
from clarion.envelope.pydantic_models import model_conversion
from clarion.envelope.reference_keywords import OF_ITS_OWN
from clarion.envelope.references import kind_owning_class, owned_subclass
from clarion.envelope.same import difference
from clarion.errors import DeclarationError, MissingExtraError

if TYPE_CHECKING:
    from clarion._core.declare import DeclaredSignal
    from clarion.envelope.conversions import Conversion

try:
    import msgspec
except ImportError as error:
    raise MissingExtraError.because(
        error, "msgspec", "msgspec", needed_by="The payload of a declared signal"
    ) from error


def _conversion_of(kind: Any) -> Conversion | None:
    kind = get_origin(kind) or kind
    return conversion_of(kind) or model_conversion(kind)


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
        if name not in self._fields:  # a session
            return Problem(name, f"is {value_name(value)}")
        try:
            decoded = self._decoder.decode(_encoder.encode({name: value}))
            return difference(value, decoded[name], name)
        except (TypeError, ValueError, NotImplementedError, RecursionError, BufferError) as error:
            return Problem(name, _reason(error, value, name))

    def load(self, data: bytes) -> dict[str, Any]:
        """Return the keywords from their JSON.

        Raises:
            ValueError: if the payload does not fit the annotations.
        """
        try:
            values: dict[str, Any] = self._decoder.decode(data)
        except msgspec.ValidationError as error:
            raise ValueError(_without_value(str(error))) from None
        return values


def annotations_of(signal: DeclaredSignal[..., Any]) -> dict[str, Any]:
    """Return the types of a declared signal's keywords.

    Raises:
        DeclarationError: if an annotation names something that cannot be found at run time.
    """
    function: Any = signal.__wrapped__
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise _unreadable(signal, error) from error


def _unreadable(signal: DeclaredSignal[..., Any], error: Exception) -> DeclarationError:
    return DeclarationError(
        f"The annotations of {described(signal.__wrapped__)} cannot be read: {error}. A stored payload is "
        f"decoded by them, so import the name outside `if TYPE_CHECKING`."
    )


def _decoder(fields: dict[str, Any]) -> Any:
    """Return a decoder of dictionaries in which any field may be missing."""
    optional = {name: NotRequired[annotation] for name, annotation in fields.items()}
    create: Any = TypedDict  # mypy knows the form with a literal only
    shape = create("Payload", optional)
    return msgspec.json.Decoder(shape, dec_hook=_from_json)


def _check_annotation(signal: DeclaredSignal[..., Any], name: str, annotation: Any) -> None:
    try:
        _decoder({name: annotation})
        found = _why_lost(msgspec.inspect.type_info(annotation))
    except (NameError, AttributeError, SyntaxError) as error:  # an annotation inside a record
        raise _unreadable(signal, error) from error
    except (TypeError, ValueError, NotImplementedError, RecursionError) as error:
        found = _Loss(str(error).partition("\n")[0].rstrip("."))
    if found is not None:
        raise DeclarationError(
            f"Signal {signal_name(signal)} cannot be stored, because of the annotation of "
            f"{quoted_name(name)}: {found.reason}. {found.cure}"
        )


class _Loss(NamedTuple):
    reason: str
    cure: str = "Use types that msgspec can decode."


def _why_lost(info: Any, seen: frozenset[int] = frozenset()) -> _Loss | None:
    """Return why the values of a part of an annotation would not come back, or None."""
    if id(info) in seen or not isinstance(info, (msgspec.inspect.Type, msgspec.inspect.Field)):
        return None
    if (loss := _why_part_lost(info)) is not None or isinstance(info, msgspec.inspect.CustomType):
        return loss
    members: tuple[Any, ...] = msgspec.structs.astuple(info)
    for member in members:
        parts: Any = (member,)
        if isinstance(member, tuple):
            parts = member  # pyright: ignore[reportUnknownVariableType]
        for part in parts:
            if (found := _why_lost(part, seen | {id(info)})) is not None:
                return found
    return None


def _why_part_lost(info: Any) -> _Loss | None:
    kinds = msgspec.inspect
    kind = getattr(info, "cls", None)
    if isinstance(info, kinds.CustomType) and _conversion_of(kind) is not None:
        return None
    if kind_owning_class(kind) is not None:  # which msgspec knows if it is a dataclass
        return _Loss(f"it has the model {value_name(kind)} inside another type", OF_ITS_OWN)
    if isinstance(info, kinds.CustomType):
        return _unknown(info.cls)
    if isinstance(info, kinds.DictType) and isinstance(info.key_type, _NO_KEYS):
        return _Loss("JSON has no keys of such a type", "Use texts or numbers as keys.")
    return _why_record_lost(info) if isinstance(info, kinds.DataclassType) else None


def _why_record_lost(info: Any) -> _Loss | None:
    if (base := _builtin_base(info.cls)) is not None:
        return _Loss(
            f"{value_name(info.cls)} derives from {value_name(base)}, whose content msgspec leaves out",
            "Send that content as a field, or the fields as keywords of their own.",
        )
    if (private := _private_attribute(info.cls)) is not None:
        return _Loss(
            f"msgspec leaves out the private attribute {quoted_name(private)} of {value_name(info.cls)}",
            "Rename it without the underscore, or send its value as a keyword of its own.",
        )
    return None


# Their classes are bases of much else than the program's models.
_GENERAL = frozenset({"builtins", "pydantic"})


def _unknown(kind: type) -> _Loss:
    is_general = kind.__module__.partition(".")[0] in _GENERAL
    if not is_general and (model := owned_subclass(kind)) is not None:
        return _Loss(
            f"{value_name(kind)} is a base of models, and no model itself",
            f"Annotate it with a model, such as {value_name(model)}, or a union of them.",
        )
    return _Loss(
        f"{kind.__module__}.{kind.__qualname__} is not known to msgspec",
        "Use types that msgspec can decode, or register the class with clarion.envelope.register_type. If it is a "
        "mixin of models, annotate with a model.",
    )


def _builtin_base(kind: type) -> type | None:
    """Return the base of a record whose objects have a layout of their own, such as a dictionary."""
    # msgspec does not call its `__new__`. Python crashes when such a dictionary is freed.
    for base in kind.__mro__:
        if base is not object and isinstance(vars(base).get("__new__"), BuiltinFunctionType):
            return base
    return None


def _private_attribute(kind: Any) -> str | None:
    # The attributes that no caller gives, such as a cache, get their defaults again.
    given = [each.name for each in getattr(kind, "__attrs_attrs__", ()) if each.init]
    return next((name for name in given if name.startswith("_")), None)


_NO_KEYS = (
    msgspec.inspect.BoolType,
    msgspec.inspect.CollectionType,
    msgspec.inspect.DataclassType,
    msgspec.inspect.DictType,
    msgspec.inspect.NamedTupleType,
    msgspec.inspect.NoneType,
    msgspec.inspect.StructType,
    msgspec.inspect.TupleType,
    msgspec.inspect.TypedDictType,
)


def _reason(error: BaseException, value: Any, name: str) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply, or contains itself"
    if isinstance(error, NotImplementedError):
        return str(error)
    text = str(error)
    if isinstance(error, msgspec.ValidationError):
        expected, _, place = _without_value(text).partition(" - at `$.")
        inner = place.rstrip("`").removeprefix(name)
        shown = f" at {inner}" if inner else ""
        return f"does not fit its annotation{shown}: {expected[:1].lower()}{expected[1:]}"
    if isinstance(error, UnicodeError):
        return "has text that is not valid Unicode"
    if "integer string conversion" in text:
        return "has an integer with too many digits"
    return f"is {value_name(value)}, which cannot be encoded"


def _without_value(text: str) -> str:
    """Return what msgspec says without the value: "Expected `int`, got `str` - at `$.amount`"."""
    if not text.startswith("Invalid enum value"):
        return text
    _, found, place = text.rpartition(" - at `")
    return f"It is none of the values that are declared{found}{place}"
