"""Objects and sends in a form that tests can compare."""

from tests.integrations.django.library.models import Copy


def without_time(changes):
    """Return the changes as a dictionary of pairs, without the time of the save."""
    return {name: tuple(pair) for name, pair in changes.items() if name != "at"}


def copies(*codes, **values):
    """Create copies, one by one."""
    return [Copy.objects.create(code=code, **values) for code in codes]


def assert_one_send(writes, signal, **expected):
    """Assert that there was one send, with these arguments; return all its arguments."""
    [sent] = writes
    assert sent.signal is signal
    arguments = {**sent.keywords, "sender": sent.sender}
    assert {name: arguments.get(name) for name in expected} == expected
    return arguments
