"""Errors of receivers in an `asend`: cancelled tasks, groups of errors."""

import asyncio

import pytest

from tests.core.receivers import (
    answering_async,
    answers,
    raising,
    raising_async,
)


class TestFailure:
    """An async receiver that fails leaves no receiver running."""

    def test_siblings_are_cancelled_and_awaited(self, signal):
        """When asend raises, the receivers that ran beside the failed one have ended."""
        log = []

        async def slow(**kwargs):
            log.append("begun")
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                log.append("ended")

        async def failing(**kwargs):
            await asyncio.sleep(0)
            raise ValueError("no")

        async def main():
            tasks = asyncio.all_tasks()
            with pytest.raises(ValueError, match="no"):
                await signal.asend(None)
            return asyncio.all_tasks() - tasks, list(log)

        signal.connect(slow)
        signal.connect(failing)
        signal.connect(slow, sender=None, dispatch_uid="another")
        assert asyncio.run(main()) == (set(), ["begun", "begun", "ended", "ended"])
        with pytest.raises(ValueError, match="no"):
            signal.send(None)
        assert log[4:] == ["begun", "begun", "ended", "ended"]

    def test_several_errors_are_a_group(self, signal, strict_send):
        """Several errors are raised as a group, each with its note."""
        errors = ValueError("one"), KeyError("two")
        for error in errors:
            signal.connect(raising_async(error))
        with pytest.raises(ExceptionGroup, match="several receivers failed") as raised:
            strict_send(signal)
        assert raised.value.exceptions == errors

    def test_an_error_while_being_cancelled_joins_the_group(self, signal, strict_send):
        """An error in the cleanup of a cancelled receiver joins the first error in a group."""

        async def failing_cleanup(**kwargs):
            try:
                await asyncio.Event().wait()
            finally:
                raise KeyError("cleanup")

        signal.connect(failing_cleanup)
        signal.connect(raising_async(ValueError("first")))
        with pytest.raises(ExceptionGroup) as raised:
            strict_send(signal)
        assert sorted(type(error).__name__ for error in raised.value.exceptions) == [
            "KeyError",
            "ValueError",
        ]

    def test_a_robust_send_cancels_no_receiver(self, signal, robust_send):
        """A robust send returns the error, and the other receivers continue."""

        async def slow(**kwargs):
            for _ in range(5):
                await asyncio.sleep(0)
            return "slow"

        signal.connect(slow)
        signal.connect(raising_async(ValueError("no")))
        slow_answer, error = answers(robust_send(signal))
        assert slow_answer == "slow"
        assert isinstance(error, ValueError)

    @pytest.mark.parametrize("count", [1, 3])
    def test_a_cancelled_sender_cancels_its_receivers(self, signal, async_send, count):
        """A cancelled sender cancels its receivers and waits for them."""
        log = []

        async def main():
            begun = asyncio.Event()

            async def slow(**kwargs):
                begun.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    await asyncio.sleep(0)
                    log.append("ended")

            for number in range(count):
                signal.connect(slow, dispatch_uid=("slow", number))
            task = asyncio.ensure_future(async_send(signal))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return len(log)

        assert asyncio.run(main()) == count

    def test_a_sender_that_is_cancelled_twice_waits(self, signal, async_send):
        """A sender that is cancelled twice still waits for the cleanup of its receivers."""

        async def main():
            begun, cleaning, clean = asyncio.Event(), asyncio.Event(), asyncio.Event()
            ended = []

            async def slow(**kwargs):
                begun.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    cleaning.set()
                    await clean.wait()
                    ended.append(True)

            signal.connect(slow)
            signal.connect(answering_async(1))
            task = asyncio.ensure_future(async_send(signal))
            await begun.wait()
            task.cancel()
            await cleaning.wait()
            task.cancel()
            await asyncio.sleep(0)
            assert not task.done()
            clean.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            return ended

        assert asyncio.run(main()) == [True]

    def test_a_cancelled_sender_calls_no_more_receivers(self, signal, async_send):
        """Receivers of lower priority are not called after a cancellation."""
        calls: list[object] = []

        async def main():
            begun = asyncio.Event()

            async def slow(**kwargs):
                begun.set()
                await asyncio.Event().wait()

            signal.connect(slow, priority=1)
            signal.connect(lambda **kwargs: calls.append(1))
            task = asyncio.ensure_future(async_send(signal))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert calls == []

    def test_a_receiver_that_cancels_itself_ends_the_send(self, signal, async_send):
        """A receiver that cancels itself cancels the other receivers and ends the send."""
        log = []

        async def slow(**kwargs):
            try:
                await asyncio.Event().wait()
            finally:
                log.append("ended")

        async def main():
            with pytest.raises(asyncio.CancelledError):
                await async_send(signal)

        signal.connect(slow)
        signal.connect(raising_async(asyncio.CancelledError()))
        asyncio.run(main())
        assert log == ["ended"]

    def test_stop_iteration_cannot_leave_a_coroutine(self, signal):
        """Python raises a RuntimeError, whose cause is the StopIteration with the note."""
        for number, options in enumerate([{}, {"inline": True}]):
            signal.connect(raising(StopIteration(7)), sender=str(number), **options)
            with pytest.raises(RuntimeError, match="StopIteration") as raised:
                asyncio.run(signal.asend(str(number)))
            cause = raised.value.__cause__
            assert isinstance(cause, StopIteration)
            assert len(cause.__notes__) == 1
            (response,) = answers(asyncio.run(signal.asend_robust(str(number))))
            assert response is cause
