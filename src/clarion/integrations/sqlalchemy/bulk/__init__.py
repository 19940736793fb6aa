"""Bulk writes: statements and session methods that load no objects."""
