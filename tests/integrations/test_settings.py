"""The settings door: override pydantic settings, and tell who depends on them."""

import asyncio
import threading
from functools import cached_property
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_settings import BaseSettings, SettingsConfigDict

from clarion.errors import ArgumentError
from clarion.integrations.settings import override_settings, setting_changed


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
    """Return settings of their own for each test."""
    return Settings()


@pytest.fixture
def heard():
    """Return a list of what receivers are told: setting, value and enter."""
    changes: list[Any] = []
    setting_changed.connect(
        lambda sender, setting, value, enter, **kwargs: changes.append((setting, value, enter))
    )
    return changes


def test_an_override_begins_and_ends(settings, heard):
    """Receivers are told of each setting, first the new value, then the old one."""
    with override_settings(settings, debug=True, name="test") as override:
        assert (settings.debug, settings.name) == (True, "test")
        assert isinstance(override, override_settings)
    assert (settings.debug, settings.name) == (False, "shop")
    assert heard == [
        *(("debug", True, True), ("name", "test", True)),
        *(("debug", False, False), ("name", "shop", False)),
    ]


def test_the_sender_is_the_class_of_the_settings(settings):
    """So a receiver can listen to one kind of settings."""
    heard: list[Any] = []
    setting_changed.connect(lambda sender, **kwargs: heard.append(sender), sender=Settings)
    with override_settings(settings, debug=True), override_settings(Frozen(), debug=True):
        pass
    assert heard == [Settings, Settings]


def test_receivers_see_the_settings_as_they_are_told(settings):
    """All of them are put before the first receiver is called, and restored before it is again."""
    seen: list[Any] = []
    setting_changed.connect(
        lambda sender, **kwargs: seen.append((settings.debug, settings.name)), inline=True
    )
    with override_settings(settings, debug=True, name="test"):
        pass
    assert seen == [(True, "test")] * 2 + [(False, "shop")] * 2


def test_overrides_nest(settings, heard):
    """Each restores what it found, in order."""
    with override_settings(settings, name="outer"):
        with override_settings(settings, name="inner", debug=True):
            assert settings.name == "inner"
        assert (settings.name, settings.debug) == ("outer", False)
    assert settings.name == "shop"
    assert [value for setting, value, _ in heard if setting == "name"] == [
        *("outer", "inner", "outer", "shop"),
    ]


def test_a_block_that_raises_is_restored(settings, heard):
    """Nested overrides end from the inside out, and the exception goes on."""
    with (
        pytest.raises(KeyError, match="lost"),
        override_settings(settings, name="outer"),
        override_settings(settings, name="inner"),
    ):
        raise KeyError("lost")
    assert settings.name == "shop"
    assert heard[-2:] == [("name", "outer", False), ("name", "shop", False)]


def test_frozen_settings_can_be_overridden():
    """What a program must not assign, a test may override."""
    settings = Frozen()
    with override_settings(settings, debug=True):
        assert settings.debug is True
    assert settings.debug is False


def test_a_setting_that_was_not_there_is_gone_again(heard):
    """Settings that allow more get more; when it is over, receivers are told None, as in Django."""
    settings = Open()
    with override_settings(settings, colour="red"):
        assert settings.colour == "red"  # type: ignore[attr-defined]
    assert not hasattr(settings, "colour")
    assert heard == [("colour", "red", True), ("colour", None, False)]


def test_what_counts_as_set_is_restored(settings):
    """A setting that has its default is not dumped as one that was given, afterwards."""
    with override_settings(settings, debug=True):
        assert settings.model_dump(exclude_unset=True) == {"debug": True}
    assert settings.model_dump(exclude_unset=True) == {}


def test_a_model_within_can_be_overridden(settings, heard):
    """A setting that is a model is replaced, or has one of its own overridden."""
    with override_settings(settings.database, host="elsewhere"):
        assert settings.database.host == "elsewhere"
    with override_settings(settings, database=Database(host="there")):
        assert settings.database.host == "there"
    assert settings.database.host == "localhost"
    assert heard[0] == ("host", "elsewhere", True)


def test_cached_properties_are_computed_anew(settings):
    """In the block they follow the override, and afterwards they are the former object."""
    before = settings.title
    with override_settings(settings, name="test"):
        assert settings.title == "Test"
    assert settings.title is before


def test_values_are_taken_as_they_are(settings):
    """A test may put a stand-in where a program could not."""
    stand_in = object()
    with override_settings(settings, name=stand_in):
        assert settings.name is stand_in


def test_a_function_can_be_decorated(settings):
    """Each call is an override of its own, also of a function that calls itself."""

    @override_settings(settings, name="test")
    def depth(left):
        """Say how deep."""
        assert settings.name == "test"
        return 1 + depth(left - 1) if left else 0

    assert depth.__doc__ == "Say how deep."
    assert settings.name == "shop"
    assert depth(2) == 2
    assert settings.name == "shop"


def test_a_coroutine_function_can_be_decorated(settings):
    """The override lasts until it has been awaited, and its receivers are awaited too."""
    heard: list[Any] = []

    async def hear(sender, value, **kwargs):
        await asyncio.sleep(0)
        heard.append(value)

    setting_changed.connect(hear)

    @override_settings(settings, name="test")
    async def named():
        await asyncio.sleep(0)
        return settings.name

    assert asyncio.run(named()) == "test"
    assert heard == ["test", "shop"]
    assert settings.name == "shop"


def test_methods_and_classes_can_be_decorated(settings):
    """Of a class, the methods that are tests; a method as any function."""

    @override_settings(settings, name="test")
    class Tests:
        def test_one(self):
            """The class decorates it."""
            return settings.name

        def helper(self):
            return settings.name

        @override_settings(settings, name="own")
        def test_two(self):
            """It is decorated already, inside."""
            return settings.name

        @staticmethod
        def test_static():
            """A static method is left alone."""
            return settings.name

    tests = Tests()
    answers = [tests.test_one(), tests.helper(), tests.test_two(), tests.test_static()]
    assert answers == ["test", "shop", "own", "shop"]


def test_generators_are_refused(settings):
    """They would run when the override is over; the refusal says what to do."""

    def fixture():
        yield

    async def stream():
        yield

    for each in (fixture, stream):
        with pytest.raises(ArgumentError, match=r"a generator.* Use it in a with block inside"):
            override_settings(settings, name="test")(each)


def test_unknown_settings_are_refused(settings):
    """A misspelt one is told from the one that was meant, and nothing is changed."""
    with pytest.raises(ArgumentError, match=r"no setting 'debgu'\. Did you mean 'debug'") as info:
        override_settings(settings, debgu=True)
    assert info.value.names == ("debgu",)
    with pytest.raises(ArgumentError, match="It has debug, name, database"):
        override_settings(settings, zzz=True)


def test_what_is_no_model_is_refused():
    """Settings come first, as an object."""
    with pytest.raises(ArgumentError, match="no pydantic model"):
        override_settings({"debug": False}, debug=True)  # type: ignore[arg-type]


def fail(sender, enter, **kwargs):
    """Raise at the begin of an override."""
    if enter:
        raise ValueError("not this one")


def test_a_receiver_that_raises_keeps_the_block_from_beginning(settings, heard):
    """Everything is as it was, everybody is told so, and the exception goes on, as in Django."""
    setting_changed.connect(fail)
    with pytest.raises(ValueError, match="not this one"):
        override_settings(settings, debug=True, name="test").__enter__()
    assert settings.debug is False
    assert heard == [("debug", True, True), ("debug", False, False), ("name", "shop", False)]


def test_a_receiver_that_raises_at_the_end_keeps_nobody_from_hearing(settings, caplog):
    """All are told that it is over, then the first exception goes on, as in Django."""
    heard: list[Any] = []

    def fail(sender, setting, enter, **kwargs):
        if not enter:
            raise ValueError(setting)

    setting_changed.connect(fail)
    setting_changed.connect(lambda sender, setting, **kwargs: heard.append(setting))
    with (
        pytest.raises(ValueError, match="debug"),
        override_settings(settings, debug=True, name="test"),
    ):
        heard.clear()
    assert heard == ["debug", "name"]
    assert settings.debug is False


def test_async_blocks_do_as_sync_ones(settings, heard):
    """Sync receivers run in a thread; what a receiver raises has the same effect."""
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
    assert heard == [("debug", True, True), ("debug", False, False)] * 2
    assert threading.main_thread() not in threads


def test_nobody_needs_to_listen(settings):
    """Without receivers, an override is an override."""
    with override_settings(settings, debug=True):
        assert settings.debug is True
