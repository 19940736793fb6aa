"""The worker: claims stored deliveries, calls their receivers, and settles them.

In reading order; each module imports only from those above it:

1. `settings`, `backoff`, `sizes`, `cooldowns`, `polling`, `stop_signals`, `transient`: numbers, waits
   and errors. `answer`: waits for a database for a bounded time. `process_log`: the log of a process
   without one. `notifications`: PostgreSQL wakes the worker.
2. `connections`, `async_loop`, `alone`: what the threads of a worker share. `upkeep`: requeues, discards and
   removes in transactions of a bounded size, for the commands.
3. `plan`, `running`, `ending`, `calls`: how one receiver is called, with which arguments, and how
   its transaction is ended if it never returns.
4. `traces`, `failures`, `leases`: what a failure shows, what happens after it, and what the worker
   holds.
5. `plans`, `batch`, `settler`: the receivers by name; the calls of several deliveries, and their settlement.
   `suspects`: makes deliveries by themselves whose worker has vanished before.
6. `job_context`, `jobs`, `job_threads`: a job makes the deliveries of one receiver, in a thread.
   `late`: ends and records the calls that are over their time limit.
7. `startup`, `search`, `vacuum`: the checks at the start, the search for deliveries, and the
   removal of dead rows.
8. `worker`: `Worker`, which runs all of this. `summary`: what it has done and left, in one line.

Several workers need no knowledge of each other. Each delivery or partition is leased. A
settlement names the attempt or the epoch, and changes nothing if the lease was lost.

Never put here: SQL, a framework, a registry of workers.
"""

from __future__ import annotations

from clarion.worker.startup import unknown_receivers
from clarion.worker.worker import Worker

__all__ = ["Worker", "unknown_receivers"]
