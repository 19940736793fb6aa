"""`clarion outbox`: inspect and change what is stored.

In reading order; each module imports only from those above it:

1. `tables`, `status`, `dead`, `changes`: the commands.
2. `group`: the commands together.

Never put here: SQL.
"""
