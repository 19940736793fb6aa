"""Bulk writes: statements and session methods that write rows without objects.

Read `statements` (ORM-enabled `insert()`, `update()` and `delete()`), then `session_methods`
(the session's `bulk_*`). `results` reads what a statement returns. `options` holds what users
switch on for a session. No flush belongs here: the unit of work writes objects.
"""
