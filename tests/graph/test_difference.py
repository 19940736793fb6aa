"""What differs between two graphs."""

from dataclasses import replace

from clarion.graph import ConnectedReceiver, Graph, compare

MAIL = ConnectedReceiver("shop.paid", "shop.mail", "shop.Order", "shop.py", 9)


def kinds(old, new):
    return [(each.kind, each.connection.receiver) for each in compare(Graph(old), Graph(new))]


def test_the_same_does_not_differ():
    """Neither does a function that moves to another line or file."""
    assert kinds([MAIL], [MAIL]) == []
    assert kinds([MAIL], [replace(MAIL, line=90, file="src/shop.py")]) == []


def test_receivers_come_and_go():
    """By signal and receiver."""
    other = replace(MAIL, receiver="shop.index")
    assert kinds([], [MAIL]) == [("connected", "shop.mail")]
    assert kinds([MAIL], []) == [("disconnected", "shop.mail")]
    assert kinds([MAIL], [other]) == [("connected", "shop.index"), ("disconnected", "shop.mail")]


def test_options_change():
    """Delivery, priority and sender, each with the value before and now."""
    now = replace(MAIL, sender=None, priority=3, delivery="on_commit")
    (change,) = compare(Graph([MAIL]), Graph([now]))
    assert (change.kind, change.old, change.new) == ("changed", MAIL, now)
    assert change.options() == {
        "sender": ("shop.Order", None),
        "priority": (0, 3),
        "delivery": (None, "on_commit"),
    }


def test_a_receiver_connected_twice_is_compared_by_sender():
    """What is the same is put aside first, then what has the same sender."""
    web, phone = replace(MAIL, sender="'web'"), replace(MAIL, sender="'phone'")
    urgent = replace(phone, priority=9)
    (change,) = compare(Graph([web, phone]), Graph([web, urgent]))
    assert (change.old, change.new) == (phone, urgent)
    assert kinds([web, web], [web]) == [("disconnected", "shop.mail")]
    assert kinds([phone], [web, urgent]) == [("changed", "shop.mail"), ("connected", "shop.mail")]


def test_a_receiver_of_many_senders_is_compared_at_once():
    """The number of steps grows with the number of senders, not with its square."""
    keys = 0

    class Counted(str):
        __slots__ = ()

        def __eq__(self, other):
            nonlocal keys
            keys += 1
            return str(self) == str(other)

        def __hash__(self):
            return hash(str(self))

    old = [replace(MAIL, sender=Counted(f"shop.M{each}")) for each in range(200)]
    new = [replace(MAIL, sender=Counted(f"shop.M{each}"), priority=1) for each in range(200)]
    graphs = Graph(old), Graph(new)
    keys = 0
    found = compare(*graphs)
    assert [each.kind for each in found] == ["changed"] * 200
    assert all(each.options() == {"priority": (0, 1)} for each in found)
    assert keys < 10 * 200
