"""The `changes` that receivers of a save or a deletion may ask for, by a parameter of this name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.db.models.signals import post_delete, post_save, pre_delete, pre_save

from clarion._core.names import described, dotted
from clarion._core.signatures import asks_for, signature_of
from clarion.changes import Changes, merge_changes
from clarion.errors import ArgumentError
from clarion.integrations.django.dispatch.policy import DjangoPolicy, register_policy
from clarion.integrations.django.orm.changes import is_tracked
from clarion.integrations.django.orm.rows import differs
from clarion.integrations.django.orm.saves import last_values, save_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class ChangesRequest(str):
    """The parameter `changes` of a receiver, with its default for a model that is not tracked."""

    __slots__ = ("_default", "_is_required", "_receiver")

    _default: Any
    _is_required: bool
    _receiver: str

    @classmethod
    def of(cls, receiver: Any) -> ChangesRequest:
        """Return the request of a receiver that has a parameter `changes`."""
        request = cls("changes")
        request._receiver = described(receiver)
        signature = signature_of(receiver)
        assert signature is not None, "it has a parameter, so it has a signature"  # noqa: S101
        parameter = signature.parameters["changes"]
        request._default = parameter.default
        request._is_required = parameter.default is parameter.empty
        return request

    def resolve(
        self,
        arguments: Mapping[str, Any],
        compute: Callable[[Any, Mapping[str, Any]], Changes],
    ) -> Any:
        """Return the changes, or the default of the parameter.

        Args:
            arguments: the arguments of the receiver.
            compute: returns the changes of an instance of a tracked model.

        Raises:
            ArgumentError: if the model is not tracked, and the parameter has no default.
        """
        instance = arguments.get("instance")
        if is_tracked(type(instance)):
            return compute(instance, arguments)
        if not self._is_required:
            return self._default
        raise ArgumentError(
            f"Receiver {self._receiver} asks for changes, and {dotted(type(instance))} does not track "
            f"them. Decorate the model with clarion.integrations.django.track_changes, or give "
            f"`changes` a default.",
            ["changes"],
        )


class ChangesPolicy(DjangoPolicy):
    """The policy of a signal whose receivers may request `changes`.

    Args:
        compute: returns the changes of an instance, from it and the arguments of the receiver.
    """

    __slots__ = ("_compute",)

    provides = ("changes",)

    def __init__(self, compute: Callable[[Any, Mapping[str, Any]], Changes]) -> None:
        self._compute = compute

    def requested(self, receiver: Callable[..., Any]) -> tuple[str, ...]:
        """Return the request of a receiver that has a parameter `changes`."""
        return (ChangesRequest.of(receiver),) if asks_for(receiver, "changes") else ()

    def provide(self, signal: Any, name: Any, arguments: Mapping[str, Any]) -> Any:  # noqa: ARG002
        """Return the changes, or the default of the parameter."""
        return name.resolve(arguments, self._compute)

    def merge(self, name: str, sends: Sequence[Mapping[str, Any]]) -> Any:
        """Merge the changes of all sends that concern the row of the last send."""
        instance = sends[-1]["instance"]
        found = [
            send[name] for send in sends if name in send and _is_same_row(send, sends[-1], instance)
        ]
        if not all(isinstance(each, Changes) for each in found):
            return sends[-1][name]  # the default of a model that is not tracked
        return merge_changes(found, partial(_is_equal, instance))


def _is_equal(instance: Any, attribute: str, old: Any, new: Any) -> bool:
    return not differs(instance, attribute, old, new)


def _is_same_row(send: Mapping[str, Any], last: Mapping[str, Any], instance: Any) -> bool:
    one = send["instance"]
    if one.pk is None or instance.pk is None:
        return one is instance
    is_same_model: bool = one._meta.concrete_model is instance._meta.concrete_model
    return is_same_model and one.pk == instance.pk and send.get("using") == last.get("using")


def _of_save(instance: Any, arguments: Mapping[str, Any]) -> Changes:
    return save_of(instance, is_written="created" in arguments).changes(arguments)


def _of_deletion(instance: Any, arguments: Mapping[str, Any]) -> Changes:
    return last_values(instance, arguments.get("using"))


SAVES = ChangesPolicy(_of_save)
DELETIONS = ChangesPolicy(_of_deletion)

for _signal in (pre_save, post_save):
    register_policy(_signal, SAVES)
for _signal in (pre_delete, post_delete):
    register_policy(_signal, DELETIONS)
