"""Errors of receivers during a send."""

import functools
import logging

import pytest

from tests.core.receivers import (
    answering,
    answering_async,
    answers,
    raising,
    raising_async,
)


class TestErrors:
    """Errors of receivers in strict and robust sends."""

    def test_an_error_ends_a_strict_send(self, signal, strict_send):
        """The first error ends a strict send, and later receivers are not called."""
        calls: list[object] = []
        signal.connect(lambda **kwargs: calls.append(1))
        signal.connect(raising(ValueError("stop")))
        signal.connect(lambda **kwargs: calls.append(2))
        with pytest.raises(ValueError, match="stop"):
            strict_send(signal)
        assert calls == [1]

    def test_an_error_before_async_receivers_ends_the_send(self, signal, strict_send):
        """An error of a sync receiver ends the send before async receivers start."""
        calls: list[object] = []

        async def receiver(**kwargs):
            calls.append(1)

        signal.connect(receiver)
        signal.connect(raising(ValueError("stop")))
        with pytest.raises(ValueError, match="stop"):
            strict_send(signal)
        assert calls == []

    def test_an_error_is_the_response_of_a_robust_send(self, signal, robust_send):
        """A robust send calls all receivers, and returns the errors as responses."""
        errors = ValueError("sync"), ValueError("async")
        signal.connect(raising(errors[0]))
        signal.connect(answering(1))
        signal.connect(raising_async(errors[1]))
        signal.connect(answering_async(2))
        assert answers(robust_send(signal)) == [errors[0], 1, errors[1], 2]

    @pytest.mark.parametrize("once", [False, True], ids=["strong_receivers", "slow path"])
    def test_robust_works_for_receivers_without_a_name(self, signal, robust_send, caplog, once):
        """Partials, callable objects and builtins may fail like functions."""

        class Failing:
            def __call__(self, **kwargs):
                raise ValueError("object")

        class AsyncFailing:
            async def __call__(self, **kwargs):
                raise ValueError("async object")

        signal.connect(functools.partial(raising(ValueError("partial"))), once=once)
        signal.connect(Failing())
        signal.connect(max)  # it has no signature, so it is not refused
        signal.connect(AsyncFailing())
        with caplog.at_level(logging.ERROR, "clarion"):
            kinds = [type(response) for response in answers(robust_send(signal))]
        assert kinds == [ValueError, ValueError, TypeError, ValueError]
        logged = [record.getMessage() for record in caplog.records]
        assert [
            message.partition(" in a robust send of nameless Signal")[0] for message in logged
        ] == [
            "Error calling partial(tests.core.receivers.raising.<locals>.receiver)",
            f"Error calling {__name__}.{Failing.__qualname__} object",
            "Error calling builtins.max",
            f"Error calling {__name__}.{AsyncFailing.__qualname__} object",
        ]

    def test_robust_raises_interrupts(self, signal, robust_send):
        """A robust send raises KeyboardInterrupt and SystemExit."""
        signal.connect(raising(SystemExit(3)))
        signal.connect(raising(KeyboardInterrupt()), sender="web")
        with pytest.raises(SystemExit):
            robust_send(signal)
        signal.disconnect(signal._table.registrations()[0].live())
        with pytest.raises(KeyboardInterrupt):
            robust_send(signal, "web")

    def test_a_robust_error_has_no_note(self, signal, robust_send):
        """An error in a response has no note because its receiver is beside it."""
        signal.connect(raising(ValueError("no")))
        ((_, error),) = robust_send(signal)
        assert not hasattr(error, "__notes__")

    def test_robust_ends_a_recursion(self, signal):
        """A cycle of robust sends ends with an error as an inner response."""
        depth = []

        def again(sender, **kwargs):
            depth.append(1)
            return signal.send_robust(sender)

        logger = logging.getLogger("clarion")
        logger.disabled = True
        try:
            signal.connect(again)
            responses = signal.send_robust(None)
        finally:
            logger.disabled = False
        assert len(depth) > 10
        while isinstance(responses, list):
            ((_, responses),) = responses
        assert isinstance(responses, RecursionError)

    def test_stop_iteration_is_an_error_like_any_other(self, signal):
        """A StopIteration of a receiver is raised by a sync send."""
        signal.connect(raising(StopIteration("stop")))
        signal.connect(answering(1))
        with pytest.raises(StopIteration, match="stop"):
            signal.send(None)
        error, one = answers(signal.send_robust(None))
        assert isinstance(error, StopIteration)
        assert one == 1
