"""Scopes: which registrations of blocks count in a context."""

from contextvars import copy_context
from typing import Any

from clarion._core.registration import Registration
from clarion._core.scopes import Scope, applicable, depends_on_context, find_scoped


def receive(**kwargs): ...


def registration(scope=None, **options):
    """Return a registration of one receiver, perhaps in a scope."""
    return Registration().fill(receive, scope=scope, **options)


def scope(*, in_context=False, replaces=False):
    """Enter a scope in this context."""
    entered = Scope(in_context=in_context, replaces=replaces)
    entered.enter()
    return entered


def test_one_registration_counts_for_each_key_and_sender():
    """Of the registrations of a key and sender, the one without a block counts, or the first."""
    plain, of_first, of_second = registration(), registration(scope()), registration(scope())
    elsewhere = registration(scope(), sender_key=("str", "web"))
    assert applicable([of_second, of_first]) == (of_first,)
    assert applicable([of_first, elsewhere, plain, of_second]) == (elsewhere, plain)


def test_the_latest_replacement_counts():
    """The latest replacement counts, even over a receiver that is connected without a block."""
    plain = registration(uid="mail")
    first, latest = (registration(scope(replaces=True), uid="mail") for _ in range(2))
    assert applicable([latest, plain, first]) == (latest,)


def test_a_registration_counts_in_its_context():
    """A registration counts in copies of the context that entered it, and in no older one."""
    before = copy_context()
    entered = scope(in_context=True)
    narrow = registration(entered)
    assert depends_on_context([registration(), narrow])
    assert not depends_on_context([registration(), registration(scope())])
    assert applicable([narrow]) == copy_context().run(applicable, [narrow]) == (narrow,)
    assert before.run(applicable, [narrow]) == ()
    entered.leave()
    assert applicable([narrow]) == ()
    entered.leave()  # again, which changes nothing


def test_the_latest_of_the_context_is_found():
    """`find_scoped` returns the latest block of this key that the context has entered."""
    registrations = [
        registration(),
        registration(scope()),
        registration(scope()),
        registration(copy_context().run(scope, in_context=True)),
    ]
    members = {each.key: each for each in registrations}
    for latest in (registrations[2], registrations[1]):
        found: Any = find_scoped(members, id(receive))
        assert found is latest
        del members[found.key]
    assert find_scoped(members, id(receive)) is None


def test_the_end_returns_the_registrations():
    """The end returns the registrations of the block once, and ends the scope."""
    ended = scope()
    ended.registrations.append(one := registration(ended))
    assert ended.end() == [one]
    assert ended.is_over
    assert ended.end() == []
