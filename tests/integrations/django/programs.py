"""Run a program in an interpreter of its own, where nothing has happened yet."""

import os
import subprocess
import sys
from textwrap import dedent

SETUP = """
import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    USE_TZ=True,
)
"""


def run(program, before_setup="", after_settings=""):
    """Run a program after a plain Django's setup, and return what it printed, line by line."""
    source = dedent(before_setup) + SETUP + after_settings + dedent(program)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()
