"""Receivers that run after the commit of a Django database.

Read `provider`, `boundary`, `snapshots`, `savepoints`, `outcomes`, `callbacks`, and for tests
`ignore_outer` and `autocommit`. Imports go in this order. Never here: what a save or a bulk write sends, which is in `orm`.
"""
