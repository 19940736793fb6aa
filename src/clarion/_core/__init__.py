"""The dispatcher: connect, route, send. It imports the standard library only.

In reading order; a module imports from those above it only:

1. `tabled`: where a signal keeps its table, and how other modules reach it.
2. `names`, `signatures`, `keywords`, `registry`, `loops`, `version`: tools without state of a
   signal. They name things, inspect receivers, cache the names of arguments, list all signals,
   and connect sync and async code.
3. `registration`, `thread_loop`, `notes`: one receiver that is connected, the event loop of a
   thread, and the note on a receiver's error.
4. `policy`, `instrument`: how a kind of signal behaves, and code that watches sends.
5. `route`: the receivers of one sender, precomputed for each path of a send.
6. `table`, `call`: all registrations of a signal, and the call of one of them.
7. `slow_path`: the sends of routes that do more than call their receivers.
8. `send`, `compiled`: the four sends, in Python and the choice of those in C (`_send.c`).
9. `signal`: `Signal`, which connects receivers and has the sends as methods.
10. `declare`, `receiver`: `@signal` and `@receiver`.

Types may be imported from anywhere, for type checkers only. The core imports nothing late,
except modules of the standard library that take long to import.

Never put here: a framework, a transaction, a delivery, or anything that an instrument can do
by watching sends.
"""
