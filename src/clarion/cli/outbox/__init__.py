"""`clarion outbox`: inspect and change what is stored.

In reading order; each module imports only from those above it:

1. `facts`: dead deliveries as JSON. `selection`: which of them a command changes.
2. `tables`, `status`, `dead`, `changes`: the commands.
3. `group`: the commands together.

Never put here: SQL.
"""
