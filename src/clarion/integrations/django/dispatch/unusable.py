"""Warn of receivers that Django accepts, and whose code no send would run."""

from __future__ import annotations

from typing import Any

from clarion._core.callers import warn_caller
from clarion._core.usable import check_usable
from clarion.errors import NotCallableError, ReceiverWarning, SignatureError


def warn_of_receiver(receiver: Any) -> None:
    """Warn of a generator function, a method without its object, and others that do not run.

    Clarion's signals refuse them. Under DEBUG, Django's signals refuse some of them. An object that is not
    callable gives no warning, because the send raises an error.
    """
    try:
        check_usable(receiver)
    except SignatureError as error:
        warn_caller(str(error), ReceiverWarning)
    except NotCallableError:
        pass
