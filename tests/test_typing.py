"""Types for those who annotate; whether checkers like them is tested in tests/typing."""

import inspect
import subprocess
import sys
import typing
from collections.abc import Hashable

import clarion
import clarion.typing
from clarion import Signal


def test_options_are_the_arguments_of_connect():
    """What `@receiver` passes on is what connect takes, no more and no less."""
    parameters = inspect.signature(Signal.connect).parameters
    taken = {*parameters} - {"self", "receiver", "unknown"}
    assert {*clarion.typing.ConnectOptions.__annotations__} == taken
    assert clarion.typing.ConnectOptions.__required_keys__ == frozenset()


def test_every_type_can_be_resolved():
    """No annotation names what is not there."""
    hints = typing.get_type_hints(clarion.typing.ConnectOptions)
    assert hints["priority"] is int
    assert hints["dispatch_uid"] == Hashable | None


def test_annotations_can_be_evaluated():
    """Who evaluates annotations, as frameworks do, finds the types there at run time."""

    def listen(
        receiver: clarion.typing.Receiver, to: clarion.typing.AnySignal
    ) -> clarion.typing.Responses:
        raise NotImplementedError

    assert typing.get_type_hints(listen) == {
        "receiver": clarion.typing.Receiver,
        "to": clarion.typing.AnySignal,
        "return": clarion.typing.Responses,
    }


def test_any_receiver_is_told_more_precisely():
    """AnyReceiver takes the parameters and the answer of a declared signal."""
    told = str(clarion.typing.AnyReceiver[[object, int], str])  # type: ignore[misc]
    assert "int" in told
    assert "Awaitable[str]" in told


def test_nothing_at_run_time_imports_it():
    """Connecting, declaring and sending do not import it, because importing `typing` is slow."""
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
