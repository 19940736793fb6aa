"""What the plugin undoes at the end of a test, in another pytest."""

import os
import subprocess
import sys
import textwrap

import pytest

pytest_plugins = ["pytester"]

MODULES = {
    "shop": """
        from clarion import Signal
        paid = Signal()
        def answers(): return [answer for _, answer in paid.send(None)]
    """,
    "handlers": """
        from functools import cache
        from shop import paid

        def on_paid(**kwargs): return "paid"

        class Cache:
            def clear(self, **kwargs): return "method"

        def notify(where):
            def send(**kwargs): return where
            return send

        def logged(function):  # without functools.wraps
            def wrapper(**kwargs): return function(**kwargs)
            return wrapper

        @cache
        def create_app():
            paid.connect(notify("app"))

        is_ready = False
        def get_ready():
            global is_ready
            if not is_ready:
                is_ready = True
                paid.connect(notify("ready"))
    """,
    "lazy": """
        from functools import partial
        import handlers
        from clarion import receiver
        from shop import paid

        @receiver(paid)
        def plain(**kwargs): return "plain"
        @receiver(paid)
        @handlers.logged
        def decorated(**kwargs): return "decorated"
        paid.connect(handlers.notify("closure"))
        paid.connect(handlers.on_paid)
        cache = handlers.Cache()
        paid.connect(cache.clear)
        paid.connect(partial(handlers.on_paid), dispatch_uid="partial")
    """,
}


@pytest.fixture
def run(pytester, monkeypatch):
    """Return a function that runs a test file beside the program's modules."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(**MODULES)
    pytester.syspathinsert()

    def run(source, *arguments):
        pytester.makepyfile(source)
        return pytester.runpytest_inprocess("-p", "clarion.testing.plugin", *arguments)

    return run


def test_receivers_of_a_lazy_import_stay(run):
    """Whatever they are: the module was imported by the first test."""
    run("""
        import handlers
        from shop import answers
        ALL = ["plain", "decorated", "closure", "paid", "method", "paid"]

        def test_first():
            import lazy
            assert answers() == ALL

        def test_second():
            import lazy
            assert answers() == ALL
    """).assert_outcomes(passed=2)


def test_receivers_of_the_program_stay(run):
    """A cached factory, or code behind a flag, does not connect again."""
    run("""
        import pytest
        from handlers import create_app, get_ready
        from shop import answers, paid

        @pytest.fixture
        def app():
            get_ready()
            return create_app()

        @pytest.mark.parametrize("time", range(2))
        def test_app(app, time):
            paid.connect(lambda **kwargs: "test")
            assert answers() == ["ready", "app", "test"]
    """).assert_outcomes(passed=2)


def test_receivers_of_a_wider_fixture_stay(run):
    """Also if a test asks for the fixture when it has begun."""
    run("""
        import pytest
        from shop import answers, paid

        @pytest.fixture(scope="session")
        def connected():
            paid.connect(lambda **kwargs: "session")

        @pytest.mark.parametrize("time", range(2))
        def test_it(request, time):
            request.getfixturevalue("connected")
            assert answers() == ["session"]
    """).assert_outcomes(passed=2)


def test_receivers_of_a_fixture_of_one_test_are_undone(run):
    """Each test calls it again."""
    run("""
        import pytest
        from shop import answers, paid

        @pytest.fixture
        def connected():
            paid.connect(lambda **kwargs: "fixture")

        @pytest.mark.parametrize("time", range(2))
        def test_it(connected, time):
            assert answers() == ["fixture"]
    """).assert_outcomes(passed=2)


DJANGO = """
    import django
    from django.conf import settings

    settings.configure(INSTALLED_APPS=["clarion.integrations.django"])
    django.setup()
"""

PROGRAM = """
    from django.core.signals import setting_changed

    def migrated(**kwargs): ...
    is_connected = []

    def connect_once():
        if not is_connected:
            is_connected.append(True)
            setting_changed.connect(migrated)
"""

# As django-test-migrations does it, whose setUpClass runs before the fixtures of a test.
EMPTIES = """
    import unittest
    from django.core.signals import setting_changed
    from program import connect_once, migrated
    from django.db.models.signals import post_migrate, post_save

    post_migrate.connect(migrated)

    class Test(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.saved, post_migrate.receivers = post_migrate.receivers, []

        def test_restores(self):
            post_migrate.receivers = self.saved

    def test_still_restored():
        assert post_migrate.has_listeners()

    def test_connects():
        connect_once()

    def test_is_connected():
        connect_once()
        assert setting_changed.disconnect(migrated) is True

    def saved(**kwargs): ...

    def test_connects_itself():
        post_save.connect(saved)

    def test_is_connected_itself():
        assert post_save.disconnect(saved) is {kept}
"""


@pytest.mark.parametrize("is_asked", [False, True])
def test_signals_of_django(pytester, monkeypatch, is_asked):
    """They are restored only on demand, and not if their receivers were assigned."""
    pytest.importorskip("django")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini(f"[pytest]\nclarion_reset_django = {is_asked}")
    pytester.makeconftest(textwrap.dedent(DJANGO))
    pytester.makepyfile(program=PROGRAM)
    pytester.makepyfile(textwrap.dedent(EMPTIES).replace("{kept}", str(not is_asked)))
    result = pytester.runpytest_subprocess("-p", "clarion.testing.plugin")
    result.assert_outcomes(passed=6)


@pytest.mark.parametrize("autoload", ["", "1"])
def test_clarion_may_be_imported_before_pytest(tmp_path, autoload):
    """pytest does not warn that it cannot rewrite the assertions of Clarion."""
    program = "import clarion.testing.plugin, pytest, sys; sys.exit(pytest.main(sys.argv[1:]))"
    (tmp_path / "test_it.py").write_text("def test_it(): ...\n")
    named = ["-p", "clarion.testing.plugin"] if autoload else []
    run = subprocess.run(
        [sys.executable, "-Werror", "-c", program, "-q", *named, "-p", "no:django", "test_it.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": autoload},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Warning" not in run.stdout + run.stderr
