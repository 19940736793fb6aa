"""The migrations of the outbox's tables, by their number: `0001_initial` creates them, and
`0002_inbox` creates the one of background receivers.
"""
