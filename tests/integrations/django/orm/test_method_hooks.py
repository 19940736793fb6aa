"""Methods are replaced while attached, and restored afterwards."""

import pytest

from clarion.integrations.django.orm.method_hooks import MethodHooks


@pytest.fixture
def shop():
    """Return a class with a method, a list of calls, and hooks that add to it."""
    called = []

    class Shop:
        def sell(self, price):
            called.append(price)
            return price

        sell.alters_data = True  # type: ignore[attr-defined]

    def replacement(original, shop, /, price):
        called.append("ours")
        return original(shop, price) + 1

    return Shop, called, MethodHooks(Shop, {"sell": replacement})


def wrap(owner):
    """Wrap the method as other packages do; return a function that unwraps it."""
    below = owner.sell

    def wrapper(self, price):
        return below(self, price)

    owner.sell = wrapper
    return lambda: setattr(owner, "sell", below)


def test_nothing_is_touched_before_attaching(shop):
    """Creating hooks replaces no method."""
    kind, called, _ = shop
    assert kind().sell(3) == 3
    assert called == [3]


def test_the_replacement_is_called_with_the_original(shop):
    """The replacement gets the method and its arguments, and its result is returned."""
    kind, called, hooks = shop
    hooks.attach()
    assert kind().sell(3) == 4
    assert called == ["ours", 3]


def test_attaching_twice_calls_once(shop):
    """Attaching a second time changes nothing."""
    kind, called, hooks = shop
    hooks.attach()
    hooks.attach()
    kind().sell(3)
    assert called == ["ours", 3]


def test_marks_of_the_method_stay(shop):
    """The replaced method has the name and Django's marks of the original."""
    kind, _, hooks = shop
    hooks.attach()
    assert kind.sell.alters_data
    assert kind.sell.__name__ == "sell"


def test_detaching_restores_the_same_method(shop):
    """The class has the same function again."""
    kind, _, hooks = shop
    before = vars(kind)["sell"]
    hooks.attach()
    hooks.detach()
    assert vars(kind)["sell"] is before


def test_a_wrapper_put_on_later_stays(shop):
    """A detached method below a wrapper calls the original; attached again, it is called once."""
    kind, called, hooks = shop
    hooks.attach()
    wrap(kind)
    wrapped = vars(kind)["sell"]
    hooks.detach()
    assert vars(kind)["sell"] is wrapped
    assert kind().sell(3) == 3
    hooks.attach()
    assert kind().sell(3) == 4
    assert called == [3, "ours", 3]


def test_a_wrapper_that_was_there_is_called(shop):
    """A method that was wrapped before is called through its wrapper, and restored with it."""
    kind, called, hooks = shop
    wrap(kind)
    wrapped = vars(kind)["sell"]
    hooks.attach()
    assert kind().sell(3) == 4
    assert called == ["ours", 3]
    hooks.detach()
    assert vars(kind)["sell"] is wrapped


def test_attaching_works_after_a_wrapper_was_removed(shop):
    """Code that restores the original method does not prevent attaching again."""
    kind, called, hooks = shop
    before = kind.sell
    hooks.attach()
    take_back = wrap(kind)
    hooks.detach()
    take_back()
    kind.sell = before
    hooks.attach()
    kind().sell(3)
    assert called == ["ours", 3]
