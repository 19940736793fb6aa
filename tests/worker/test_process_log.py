"""The log of a process that runs a worker."""

import logging

from clarion.worker.process_log import SafeFormatter, log_to_stderr

HOSTILE = "\x1b[31mred\x1b]0;title\x07"
SHOWN = r"\x1b[31mred\x1b]0;title\x07"


def test_the_programs_own_log_stays(monkeypatch):
    """A program that has configured its log keeps it; for any other, Clarion logs to standard error."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [logging.NullHandler()])
    log_to_stderr()
    assert len(root.handlers) == 1
    monkeypatch.setattr(root, "handlers", [])
    log_to_stderr()
    (handler,) = root.handlers
    assert isinstance(handler.formatter, SafeFormatter)


def test_a_record_is_without_escapes():
    """The error of a receiver is logged without control characters."""
    record = logging.LogRecord("shop", logging.INFO, "shop.py", 1, "%s\nnext", (HOSTILE,), None)
    assert SafeFormatter("%(message)s").format(record) == f"{SHOWN}\nnext"
