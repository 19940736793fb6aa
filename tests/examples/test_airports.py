"""The airports example with two hundred airports; `make demo` uses all."""

import re
import subprocess
import sys

import pytest

from tests.house.tree import ROOT

for package in ("airportsdata", "django", "rich"):
    pytest.importorskip(package)

PROJECT = ROOT / "examples" / "airports"
MANAGE = PROJECT / "manage.py"
DEMO = ("demo", "--settings=config.settings", "--limit=200")

# Some receivers, and the book that is wrong if one of them is not called.
KEEPERS = {
    "index": "search index",
    "count_off_replaced": "tally of each country",
    "note_import": "imports of each country",
    "log_saved": "audit log",
    "forget_page_size": "answers to requests",
}

SET_UP = f"""
import os, sys
sys.path.insert(0, {str(PROJECT)!r})
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from airports import receivers, search
from airports.models import CountryTally
from clarion.testing import muted
from django.core.management import CommandError, call_command, execute_from_command_line
from django.core.signals import setting_changed
from django.dispatch import receiver
"""

TEAR_A_PAGE_OUT = f"""
@receiver(setting_changed, once=True)
def tear_a_page_out(**kwargs):
    CountryTally.objects.order_by("-airports").first().delete()

execute_from_command_line(["manage.py", *{DEMO!r}])
"""

MUTE_ONE_BY_ONE = f"""
for name in {[*KEEPERS]!r}:
    search.page_size.cache_clear()
    with muted(getattr(receivers, name)):
        try:
            call_command(*{DEMO!r})
        except CommandError as error:
            print("without", name, error)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run a Python program; return its exit status and its output."""

    def run(*arguments):
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path_factory.mktemp("elsewhere"),
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def demo(run):
    return run("-W", "error", MANAGE, *DEMO)


def test_demo_ends_well(demo):
    """The demo prints no warning, and reports that every book is right."""
    assert (demo.returncode, demo.stderr) == (0, "")
    assert "Every receiver was called exactly as often as it should." in demo.stdout
    for book in {"airports", *KEEPERS.values()}:
        assert re.search(rf"{book} +│ +\d+ │ exactly right", demo.stdout)


def test_demo_sends_every_signal(demo):
    """It shows how often each signal was sent, and sends every signal."""
    sends = dict(re.findall(r"│ (\w+) +│ +\d+ │ +([\d,]+) │", demo.stdout))
    assert sends.keys() == {
        "pre_save",
        "post_save",
        "post_delete",
        "country_imported",
        "request_finished",
        "setting_changed",
    }
    assert "0" not in sends.values()


def test_demo_explains_a_signal(demo):
    """It shows the receivers of a save, the other receivers, and the reasons."""
    called, others = demo.stdout.split("would not call")
    assert re.search(r"index \(airports.receivers\.py:\d+\): listens to subclasses", called)
    assert re.search(r"log_country \(.*\): listens to airports\.models\.CountryTally", others)


def test_hint_of_the_demo_works(run, demo):
    """The command in its last line lists the receivers."""
    assert f"python {MANAGE} signals" in demo.stdout
    listed = run(MANAGE, "signals", "--settings=config.settings")
    assert "airports.receivers.tidy" in listed.stdout


def test_a_wrong_tally_is_reported(run):
    """A missing row of a tally is reported, and the demo does not exit with 0."""
    done = run("-c", SET_UP + TEAR_A_PAGE_OUT)
    assert done.returncode == 1
    assert re.search(r"The tally of each country: \['\w\w'\]", done.stderr)
    assert "exactly right." not in done.stdout


def test_the_doctor_finds_nothing(run):
    """Every receiver can run."""
    done = run(MANAGE, "doctor", "--settings=config.settings")
    assert (done.stdout, done.stderr, done.returncode) == ("Nothing was found.\n", "", 0)


def test_every_receiver_is_needed(run):
    """If a receiver is not called, its book is wrong."""
    done = run("-c", SET_UP + MUTE_ONE_BY_ONE)
    _, *failed = done.stdout.split("without ")
    for (keeper, book), printed in zip(KEEPERS.items(), failed, strict=True):
        assert printed.startswith(f"{keeper} ")
        assert f"The {book}:" in printed
