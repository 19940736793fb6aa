"""The public types at run time; tests/typing checks them with type checkers."""

import inspect
import subprocess
import sys
import typing
from collections.abc import Hashable

import clarion
import clarion.typing
from clarion import Signal


def test_options_are_the_arguments_of_connect():
    """The options of `@receiver` are those of connect."""
    parameters = inspect.signature(Signal.connect).parameters
    taken = {*parameters} - {"self", "receiver", "unknown"}
    assert {*clarion.typing.ConnectOptions.__annotations__} == taken
    assert clarion.typing.ConnectOptions.__required_keys__ == frozenset()


def test_every_type_can_be_resolved():
    """Every annotation names an object that exists."""
    hints = typing.get_type_hints(clarion.typing.ConnectOptions)
    assert hints["priority"] is int
    assert hints["dispatch_uid"] == Hashable | None


def test_annotations_can_be_evaluated():
    """Frameworks that evaluate annotations find the types at run time."""

    def listen(
        receiver: clarion.typing.Receiver, to: clarion.typing.AnySignal
    ) -> clarion.typing.Responses:
        raise NotImplementedError

    assert typing.get_type_hints(listen) == {
        "receiver": clarion.typing.Receiver,
        "to": clarion.typing.AnySignal,
        "return": clarion.typing.Responses,
    }


def test_any_receiver_of_a_declared_signal():
    """AnyReceiver has the parameters and the response of a declared signal."""
    shown = str(clarion.typing.AnyReceiver[[object, int], str])  # type: ignore[misc]
    assert "int" in shown
    assert "Awaitable[str]" in shown


def test_nothing_at_run_time_imports_it():
    """Connecting, declaring and sending do not import the module, because `typing` is slow."""
    program = """
import sys
from clarion import Signal, receiver, signal
@signal
def paid(sender, *, order_id): ...
for each in (paid, Signal()):
    receiver(each)(lambda sender, **kwargs: None)
    each.send(None, order_id=1)
print("clarion.typing" in sys.modules)
"""
    path = {"PYTHONPATH": clarion.__path__[0].removesuffix("clarion")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
