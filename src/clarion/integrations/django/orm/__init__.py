"""Signals of Django's models: bulk writes, and the changes of a save."""
