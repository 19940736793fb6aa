"""The dispatcher: connect, route, send. It imports the standard library only.

In the order of imports: a module imports from those above it only.
docs/explanation/architecture.md has an order for reading.

1. `tabled`: access to the table and the policy of a signal.
2. `registry`, `signatures`, `methods`, `keywords`, `locks`, `loops`, `misnamed`, `version`,
   `printable`, `commands`, `callers`, `block_end`, `loading`: tools that need no signal. They list all signals, inspect
   receivers, cache the names of arguments, and connect sync and async code. They refuse names of other
   libraries, escape control characters, name the commands of Clarion, and emit warnings at the line of the program. An interrupt
   leaves no lock locked, and no block open. A framework that loads the program reports its settings.
3. `names`, `fork`, `unentered`: the names of signals, receivers and senders, locks that a fork frees,
   and the warning of blocks that no `with` enters.
4. `registration`, `thread_loop`, `notes`, `checks`: one receiver that is connected, the event
   loop of a thread, the note on a receiver's error, the refusal of wrong objects. `usable`: whether
   a call runs a receiver's code. `decorated`:
   functions that run in a block. `value_senders`: senders that no equal object matches.
5. `policy`, `instrument`, `scopes`, `threads`: how a kind of signal behaves, code that watches
   sends, the registrations of a `connected` block, and receivers in worker threads.
6. `route`, `lifetimes`: the receivers of one sender, precomputed for each path of a send, and
   what happens when a receiver or a sender dies. `arguments`, `send_log`: the arguments that
   `connect` refuses, and the log of sends at DEBUG level. `main_copy`: the warning of a main module that
   was imported, too.
7. `table`, `call`, `batches`: all registrations of a signal, the call of one of them, and deliveries
   that take several together.
8. `slow_path`, `copying`, `duplicates`: the sends of routes that do more than call their receivers,
   copies of signals, and connects that change nothing.
9. `send`, `compiled`, `connected`: the four sends, in Python and the choice of those in C
   (`_send.c`), and the `with` block of a receiver.
10. `signal`, `own_sends`: `Signal`, which connects receivers and has the sends as methods, and the
    signatures of the sends of a declared signal.
11. `declare`, `receiver`, `autodiscover`: `@signal` and `@receiver`, and the import of modules that
    connect receivers.

Types may be imported from anywhere, for type checkers only. Every import is at the top of
a module, except those of modules of the standard library that take long to import.

Never put here: a framework, a transaction, a delivery, or anything that an instrument can do
by watching sends.
"""
