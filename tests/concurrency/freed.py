"""Whether a payload is freed without the garbage collector."""

import gc
import logging
import time
from contextlib import contextmanager
from weakref import ref

from tests.logs import without_log


class Payload:
    """What a send carries."""


@contextmanager
def freed():
    """Give a payload to the block, and assert that it is freed after it without the collector."""
    payloads = [Payload()]
    reference = ref(payloads[0])
    gc.collect()
    gc.disable()
    logging.disable()  # pytest keeps the records, which hold their errors
    try:
        with without_log():
            yield payloads.pop
        _wait_for_threads(reference)
        assert reference() is None
    finally:
        logging.disable(logging.NOTSET)
        gc.enable()


def _wait_for_threads(reference):
    """Wait until worker threads have released the call that they have ended."""
    ends = time.monotonic() + 3
    while reference() is not None and time.monotonic() < ends:
        time.sleep(0.001)
