"""Django's models: the changes of a save or a deletion, and the signals of bulk writes.

It is not called `models`, because Django imports an app's module of that name. For `changes` read
`change_requests`, `changes`, `saves`, `rows`; for rows with several tables `deletions`; for many-to-many relations `links`; for bulk
writes `bulk_signals`, `queryset`, `bulk_warnings`, `method_hooks`. Imports go in these orders. What
waits for a commit never goes in here.
"""
