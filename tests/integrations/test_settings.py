"""Overrides of pydantic settings, and setting_changed."""

import asyncio
import threading
import warnings
from functools import cached_property
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_settings import BaseSettings, SettingsConfigDict

from clarion.errors import ArgumentError
from clarion.integrations.settings import override_settings, setting_changed
from tests.core.receivers import collect


class Database(BaseModel):
    host: str = "localhost"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="CLARION_TESTS_")

    debug: bool = False
    name: str = "shop"
    database: Database = Database()

    @cached_property
    def title(self) -> str:
        return self.name.title()


class Frozen(Settings):
    model_config = SettingsConfigDict(frozen=True)


class Open(Settings):
    model_config = SettingsConfigDict(extra="allow")


@pytest.fixture
def settings():
    """Return new settings for each test."""
    return Settings()


@pytest.fixture
def changes():
    """Return a list of the sends: setting, value and enter."""
    sends: list[Any] = []
    setting_changed.connect(
        lambda sender, setting, value, enter, **kwargs: sends.append((setting, value, enter))
    )
    return sends


def test_an_override_begins_and_ends(settings, changes):
    """A signal is sent for each setting, first with the new value, then with the old one."""
    with override_settings(settings, debug=True, name="test") as override:
        assert (settings.debug, settings.name) == (True, "test")
        assert isinstance(override, override_settings)
    assert (settings.debug, settings.name) == (False, "shop")
    assert changes == [
        *(("debug", True, True), ("name", "test", True)),
        *(("debug", False, False), ("name", "shop", False)),
    ]


def test_the_sender_is_the_class_of_the_settings(settings):
    """A receiver can be connected to one class of settings."""
    changes: list[Any] = []
    setting_changed.connect(lambda sender, **kwargs: changes.append(sender), sender=Settings)
    with override_settings(settings, debug=True), override_settings(Frozen(), debug=True):
        pass
    assert changes == [Settings, Settings]


def test_receivers_see_the_settings_changed(settings):
    """All settings change before the first receiver is called."""
    seen: list[Any] = []
    setting_changed.connect(
        lambda sender, **kwargs: seen.append((settings.debug, settings.name)), inline=True
    )
    with override_settings(settings, debug=True, name="test"):
        pass
    assert seen == [(True, "test")] * 2 + [(False, "shop")] * 2


def test_overrides_nest(settings, changes):
    """Each one restores the settings that it found, in order."""
    with override_settings(settings, name="outer"):
        with override_settings(settings, name="inner", debug=True):
            assert settings.name == "inner"
        assert (settings.name, settings.debug) == ("outer", False)
    assert settings.name == "shop"
    assert [value for setting, value, _ in changes if setting == "name"] == [
        *("outer", "inner", "outer", "shop"),
    ]


def test_a_block_that_raises_is_restored(settings, changes):
    """Nested overrides end from the inside out, and the exception is raised."""
    with (
        pytest.raises(KeyError, match="lost"),
        override_settings(settings, name="outer"),
        override_settings(settings, name="inner"),
    ):
        raise KeyError("lost")
    assert settings.name == "shop"
    assert changes[-2:] == [("name", "outer", False), ("name", "shop", False)]


def test_frozen_settings_can_be_overridden():
    """A test may override a setting that a program cannot assign."""
    settings = Frozen()
    with override_settings(settings, debug=True):
        assert settings.debug is True
    assert settings.debug is False


def test_a_new_setting_is_removed_again(changes):
    """Where extra settings are allowed, a new one is removed again; its last value is None, as in Django."""
    settings = Open()
    with override_settings(settings, colour="red"):
        assert settings.colour == "red"  # type: ignore[attr-defined]
    assert not hasattr(settings, "colour")
    assert changes == [("colour", "red", True), ("colour", None, False)]


def test_the_set_of_given_settings_is_restored(settings):
    """A setting with its default is not dumped as a given one afterwards."""
    with override_settings(settings, debug=True):
        assert settings.model_dump(exclude_unset=True) == {"debug": True}
    assert settings.model_dump(exclude_unset=True) == {}


def test_a_nested_model_can_be_overridden(settings, changes):
    """An override replaces a nested model, or one of its settings."""
    with override_settings(settings.database, host="elsewhere"):
        assert settings.database.host == "elsewhere"
    with override_settings(settings, database=Database(host="there")):
        assert settings.database.host == "there"
    assert settings.database.host == "localhost"
    assert changes[0] == ("host", "elsewhere", True)


def test_cached_properties_are_computed_again(settings):
    """In the block they use the override; after it they are the former object."""
    before = settings.title
    with override_settings(settings, name="test"):
        assert settings.title == "Test"
    assert settings.title is before


def test_values_are_not_validated(settings):
    """A test may use an object that a program could not assign."""
    replacement = object()
    with override_settings(settings, name=replacement):
        assert settings.name is replacement


def test_a_function_can_be_decorated(settings):
    """Each call is a separate override, also of a function that calls itself."""

    @override_settings(settings, name="test")
    def depth(left):
        """Return the depth."""
        assert settings.name == "test"
        return 1 + depth(left - 1) if left else 0

    assert depth.__doc__ == "Return the depth."
    assert settings.name == "shop"
    assert depth(2) == 2
    assert settings.name == "shop"


def test_a_coroutine_function_can_be_decorated(settings):
    """The override ends after the coroutine, and receivers are awaited too."""
    changes: list[Any] = []

    async def note(sender, value, **kwargs):
        await asyncio.sleep(0)
        changes.append(value)

    setting_changed.connect(note)

    @override_settings(settings, name="test")
    async def named():
        await asyncio.sleep(0)
        return settings.name

    assert asyncio.run(named()) == "test"
    assert changes == ["test", "shop"]
    assert settings.name == "shop"


def test_methods_and_classes_can_be_decorated(settings):
    """A decorated class overrides settings in its methods that are tests."""

    @override_settings(settings, name="test")
    class Tests:
        def test_one(self):
            """The class decorates it."""
            return settings.name

        def helper(self):
            return settings.name

        @override_settings(settings, name="own")
        def test_two(self):
            """Its own decorator is the inner one."""
            return settings.name

        @staticmethod
        def test_static():
            """A static method does not change."""
            return settings.name

    tests = Tests()
    names = [tests.test_one(), tests.helper(), tests.test_two(), tests.test_static()]
    assert names == ["test", "shop", "own", "shop"]


def test_generators_are_refused(settings):
    """Decorating a generator is refused, because it would run after the override."""

    def fixture():
        yield

    async def stream():
        yield

    for each in (fixture, stream):
        with pytest.raises(ArgumentError, match=r"a generator.* Use a with block inside it"):
            override_settings(settings, name="test")(each)


def test_unknown_settings_are_refused(settings):
    """An unknown setting is refused with the one that is spelt alike, and nothing changes."""
    with pytest.raises(ArgumentError, match=r"no setting 'debgu'\. Did you mean 'debug'") as info:
        override_settings(settings, debgu=True)
    assert info.value.names == ("debgu",)
    with pytest.raises(ArgumentError, match="It has debug, name, database"):
        override_settings(settings, zzz=True)
    with pytest.raises(ArgumentError, match="no setting a str"):
        override_settings(settings, **{"sqlite:///secret.db": True})


def test_another_object_is_refused():
    """The refusal of another object has its type, but not its value."""
    with pytest.raises(ArgumentError, match="given an object of type dict, which is no"):
        override_settings({"debug": False}, debug=True)  # type: ignore[arg-type]


def fail(sender, enter, **kwargs):
    """Raise when an override begins."""
    if enter:
        raise ValueError("not this one")


def test_an_error_of_a_receiver_prevents_the_block(settings, changes):
    """If a receiver raises, the settings are restored, with signals, and the block does not run."""
    setting_changed.connect(fail)
    with pytest.raises(ValueError, match="not this one"):
        override_settings(settings, debug=True, name="test").__enter__()
    assert settings.debug is False
    assert changes == [("debug", True, True), ("debug", False, False), ("name", "shop", False)]


def test_an_error_of_a_receiver_at_the_end(settings, caplog):
    """At the end all receivers are called, then the first exception is raised, as in Django."""
    changes: list[Any] = []

    def fail(sender, setting, enter, **kwargs):
        if not enter:
            raise ValueError(setting)

    setting_changed.connect(fail)
    setting_changed.connect(lambda sender, setting, **kwargs: changes.append(setting))
    with (
        pytest.raises(ValueError, match="debug"),
        override_settings(settings, debug=True, name="test"),
    ):
        changes.clear()
    assert changes == ["debug", "name"]
    assert settings.debug is False


def test_async_blocks(settings, changes):
    """In an async block sync receivers run in a worker thread, and an error has the same effect."""
    threads: list[Any] = []
    setting_changed.connect(lambda sender, **kwargs: threads.append(threading.current_thread()))

    async def override():
        async with override_settings(settings, debug=True):
            assert settings.debug is True
        setting_changed.connect(fail)
        async with override_settings(settings, debug=True):
            raise AssertionError("the block has begun")

    with pytest.raises(ValueError, match="not this one"):
        asyncio.run(override())
    assert settings.debug is False
    assert changes == [("debug", True, True), ("debug", False, False)] * 2
    assert threading.main_thread() not in threads


def test_without_receivers(settings):
    """Without receivers the settings change in the same way."""
    with override_settings(settings, debug=True):
        assert settings.debug is True


def test_a_block_that_is_never_entered(settings):
    """A block without `with` gives a warning, and a decorator does not."""
    with pytest.warns(
        RuntimeWarning, match=r"override_settings\(\.\.\.\) was created and never entered"
    ):
        override_settings(settings, debug=True)
        collect()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert override_settings(settings, debug=True)(lambda: settings.debug)()
        collect()
