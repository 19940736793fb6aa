"""Receivers in the background: carried out by the task engine that a program already runs.

Each engine has an integration with its delivery. `ExecutorDelivery` needs no engine.

In reading order; a module imports from those above it only:

1. `options`: the options of a delivery, checked. `call`: what an engine gets, and its text.
2. `engine`: the protocol of an engine. `hold`: how long a commit may wait for it. `loop_thread`: an event
   loop for engines that are async only. `redis_pool`: how long a client of
   Redis may wait. `apart`: writes a call on a connection of its own, and closes old ones. `monitoring`:
   names a call after its receiver.
3. `commit_hold`: how long one commit may wait for all of its calls. `handover`: the pending call that an
   engine gets after the commit, and the handle for it.
4. `publish`: hands one send to the engines of its receivers.
5. `loss_log`: logs once what an engine loses. `delivery`: `EngineDelivery`, the option of `connect`.
6. `databases`, `carrier`: the one task of every engine, which calls the receiver.
7. `executor`: an engine for thread and process pools.

An engine knows one task, and never one for each receiver, because some engines lose tasks of a name that
a worker does not know.

Never put here: a package of an engine, pickle, an import by a stored name.
"""

from __future__ import annotations

from clarion.background.call import Call
from clarion.background.carrier import adeliver, deliver, retry_after
from clarion.background.delivery import BoundEngine, EngineDelivery
from clarion.background.engine import Engine
from clarion.background.executor import ExecutorDelivery
from clarion.background.handover import HandOver
from clarion.background.options import CallOptions, check_engine_options, check_numbers

__all__ = [
    "BoundEngine",
    "Call",
    "CallOptions",
    "Engine",
    "EngineDelivery",
    "ExecutorDelivery",
    "HandOver",
    "adeliver",
    "check_engine_options",
    "check_numbers",
    "deliver",
    "retry_after",
]
