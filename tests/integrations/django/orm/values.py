"""Changes in a form that tests can compare."""


def without_time(changes):
    """Return the changes as a dictionary of pairs, without the time of the save."""
    return {name: tuple(pair) for name, pair in changes.items() if name != "at"}
