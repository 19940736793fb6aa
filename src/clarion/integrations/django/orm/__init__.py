"""Django's models: the changes of a save, and the signals of bulk writes.

It is not called `models`, because Django imports an app's module of that name. For saves read
`changes`, `saves`, `rows`; for deletions `deletions`; for bulk writes `bulk_signals`, `queryset`,
`bulk_warnings`, `method_hooks`. Imports go in these orders. What waits for a commit never goes in
here.
"""
