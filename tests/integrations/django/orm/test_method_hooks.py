"""Methods are stood in for while attached, and are what they were afterwards."""

import pytest

from clarion.integrations.django.orm.method_hooks import Hooks


@pytest.fixture
def shop():
    """Give a class with a method, a list of what was called, and hooks that note it."""
    called = []

    class Shop:
        def sell(self, price):
            called.append(price)
            return price

        sell.alters_data = True  # type: ignore[attr-defined]

    def stand_in(original, shop, /, price):
        called.append("ours")
        return original(shop, price) + 1

    return Shop, called, Hooks(Shop, {"sell": stand_in})


def wrap(owner):
    """Wrap the method as other packages do; return what takes that back."""
    below = owner.sell

    def wrapper(self, price):
        return below(self, price)

    owner.sell = wrapper
    return lambda: setattr(owner, "sell", below)


def test_nothing_is_touched_before_attaching(shop):
    """Hooks that are only there change nothing."""
    kind, called, _ = shop
    assert kind().sell(3) == 3
    assert called == [3]


def test_the_stand_in_is_called_with_the_original(shop):
    """It gets the method and the arguments, and its answer is the caller's."""
    kind, called, hooks = shop
    hooks.attach()
    assert kind().sell(3) == 4
    assert called == ["ours", 3]


def test_attaching_twice_calls_once(shop):
    """The second time changes nothing."""
    kind, called, hooks = shop
    hooks.attach()
    hooks.attach()
    kind().sell(3)
    assert called == ["ours", 3]


def test_marks_of_the_method_stay(shop):
    """Django's marks on a method, and its name, are on what stands there."""
    kind, _, hooks = shop
    hooks.attach()
    assert kind.sell.alters_data
    assert kind.sell.__name__ == "sell"


def test_detaching_puts_the_same_method_back(shop):
    """The very function stands there again."""
    kind, _, hooks = shop
    before = vars(kind)["sell"]
    hooks.attach()
    hooks.detach()
    assert vars(kind)["sell"] is before


def test_a_wrapper_put_on_later_stays(shop):
    """Detached below somebody's wrapper, ours does nothing; attached again, it is called once."""
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
    """What somebody has wrapped is called as they have wrapped it, and given back so."""
    kind, called, hooks = shop
    wrap(kind)
    wrapped = vars(kind)["sell"]
    hooks.attach()
    assert kind().sell(3) == 4
    assert called == ["ours", 3]
    hooks.detach()
    assert vars(kind)["sell"] is wrapped


def test_a_wrapper_that_goes_takes_nothing_along(shop):
    """Whoever restores the method as it had been before us does not keep us out for good."""
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
