"""The plugin, in another pytest."""

import pytest

pytest_plugins = ["pytester"]

SHOP = """
    from clarion import Signal

    opened = Signal()

    def keep(**kwargs): return "kept"
    opened.connect(keep)
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Return a function that runs a test file beside the module `shop`."""
    # Some plugins do not work inside another pytest.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(shop=SHOP)
    pytester.syspathinsert()

    def run(source, *arguments):
        pytester.makepyfile(source)
        return pytester.runpytest_inprocess("-p", "clarion.testing.plugin", *arguments)

    return run


def test_signals_are_captured(run):
    """`capture_signals` captures from its call to the end of the test."""
    run("""
        from shop import opened

        def test_one(capture_signals):
            opened.send("before")
            sent = capture_signals(opened)
            everything = capture_signals()
            opened.send("web", at=9)
            assert [each.sender for each in sent] == ["web"]
            assert len(everything) == 1

        def test_no_capture_is_left():
            assert opened._table.find_route(None).strong_receivers
    """).assert_outcomes(passed=2)


def test_signals_are_muted(run):
    """`mute_signals` mutes from its call to the end of the test, also for one sender."""
    run("""
        from shop import keep, opened

        def test_signal(mute_signals):
            assert len(opened.send(None)) == 1
            mute_signals(opened)
            assert opened.send(None) == []

        def test_receiver_and_sender(mute_signals):
            mute_signals(keep, sender="web")
            assert opened.send("web") == []
            assert len(opened.send("phone")) == 1

        def test_nothing_is_muted_any_more():
            assert len(opened.send(None)) == 1
            assert opened._table.find_route(None).strong_receivers
    """).assert_outcomes(passed=3)


def test_fixtures_can_be_built_upon(run):
    """A fixture of the project captures and mutes for its tests."""
    run("""
        import pytest
        from shop import opened

        @pytest.fixture
        def sent(capture_signals, mute_signals):
            mute_signals(opened)
            return capture_signals(opened)

        def test_one(sent):
            assert opened.send("web") == []
            assert len(sent) == 1
    """).assert_outcomes(passed=1)


def test_a_failure_is_shown(run):
    """pytest shows the message of assert_sent."""
    result = run("""
        from clarion.testing import assert_sent
        from shop import opened

        def test_one(capture_signals):
            sent = capture_signals(opened)
            opened.send("web", at=9)
            assert_sent(sent, at=10)
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *Expected a send with at=10, at least once; found 0 *"])
    result.stdout.fnmatch_lines(["E *shop.opened by 'web': at=9", "E *but at is 9"])


CONNECTS = """
    from shop import keep, opened

    def receive(**kwargs): return "heard"

    def test_connect():
        opened.connect(receive)
        opened.disconnect(keep)
        assert [answer for _, answer in opened.send(None)] == ["heard"]

    def test_next():
        assert [answer for _, answer in opened.send(None)] == ["kept"]
"""


def test_connections_of_a_test_are_undone(run):
    """The next test does not see them."""
    run(CONNECTS).assert_outcomes(passed=2)


def test_connections_of_a_failing_test_are_undone(run):
    """Also those of a method of unittest.TestCase."""
    run("""
        import unittest
        from shop import opened

        def receive(**kwargs): return "heard"

        def test_fail():
            opened.connect(receive)
            assert False

        class Test(unittest.TestCase):
            def test_connect(self):
                opened.connect(receive)

        def test_next():
            assert [answer for _, answer in opened.send(None)] == ["kept"]
    """).assert_outcomes(failed=1, passed=2)


def test_connections_of_a_wider_fixture_last(run):
    """Those of a module's fixture last as long as the fixture."""
    run("""
        import pytest
        from shop import opened

        def receive(**kwargs): return "heard"

        @pytest.fixture(scope="module", autouse=True)
        def connected():
            opened.connect(receive)

        @pytest.mark.parametrize("time", range(2))
        def test_it(time):
            assert [answer for _, answer in opened.send(None)] == ["kept", "heard"]
    """).assert_outcomes(passed=2)


def test_connections_of_an_imported_module_stay(run):
    """A module does not run again, so its receivers stay."""
    run("""
        def test_import():
            import shop
            assert shop.opened.send(None)

        def test_next():
            import shop
            assert [answer for _, answer in shop.opened.send(None)] == ["kept"]
    """).assert_outcomes(passed=2)


def test_the_reset_can_be_turned_off(run, pytester):
    """With `clarion_reset = false` connections last."""
    pytester.makeini("[pytest]\nclarion_reset = false")
    run(CONNECTS).assert_outcomes(passed=1, failed=1)


def test_fixtures_and_setting_are_documented(run):
    """`pytest --fixtures` and `--help` print these lines; `fnmatch_lines` asserts it."""
    result = run("", "--fixtures")
    result.stdout.fnmatch_lines(["capture_signals*", "*Capture sends until the test ends."])
    result.stdout.fnmatch_lines(["mute_signals*", "*Mute signals or receivers until *"])
    run("", "--help").stdout.fnmatch_lines(["*clarion_reset*"])
