"""What SQLAlchemy has in memory about mapped classes and their rows.

Read `mapper_info`, then `columns`, `values` and `changes`. No signal and no flush is used
here: both are built on this room.
"""
