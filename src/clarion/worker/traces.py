"""The traceback of a receiver that has failed, without the frames of the worker above it."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

import clarion
from clarion._core import instrument
from clarion.worker import calls

if TYPE_CHECKING:
    from types import TracebackType

_HOME = str(PurePath(clarion.__file__).parent)
# The modules whose functions call receivers.
_CALLERS = {calls.__file__, instrument.__file__}


def below_worker(trace: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback that begins in the receiver.

    It is the whole traceback if the receiver was not called, such as after a damaged payload.
    """
    found = trace
    while found is not None and (below := found.tb_next) is not None:
        if _file_of(found) in _CALLERS and not _is_ours(below):
            return below
        found = below
    return trace


def _file_of(trace: TracebackType) -> str:
    return trace.tb_frame.f_code.co_filename


def _is_ours(trace: TracebackType) -> bool:
    return PurePath(_file_of(trace)).is_relative_to(_HOME)
