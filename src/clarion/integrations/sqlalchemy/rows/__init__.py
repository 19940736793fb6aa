"""Facts about mapped classes, and the rows of their instances.

Read `mapper_info`, then `columns`, `expired`, `values` and `changes`. No signal and no flush is used
here: both import this package.
"""
