"""`clarion outbox`: inspect and change what is stored.

In reading order; each module imports only from those above it:

1. `completion`, `options`: the completion of stored names in a shell, and the options of several commands.
2. `tables`, `status`, `dead`, `changes`: the commands.
3. `database_argument`: a database as an argument. `group`: the commands together.

Never put here: SQL.
"""
