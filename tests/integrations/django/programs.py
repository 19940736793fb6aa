"""Run a program in a process of its own, where nothing has happened yet."""

import atexit
import os
import sys
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from textwrap import dedent

from tests.warm import WarmInterpreter, warm_interpreter

# Modules that Django loads from others. A program loads Django itself, before or after Clarion.
PACKAGES: tuple[str, ...] = ("asgiref.local", "asgiref.sync", "asyncio", "concurrent.futures")
PACKAGES += ("decimal", "email.headerregistry", "email.mime.message", "email.policy", "getpass")
PACKAGES += ("graphlib", "gzip", "html.parser", "http.cookies", "jinja2", "logging.config")
PACKAGES += ("mimetypes", "multiprocessing.reduction", "platform", "secrets", "sqlite3")
PACKAGES += ("sqlparse", "statistics", "tempfile", "unittest.mock", "urllib.request", "uuid")
PACKAGES += ("wsgiref.simple_server", "xml.dom.minidom", "xml.sax.saxutils", "zoneinfo")

SETUP = """
import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    USE_TZ=True,
)
"""


@cache
def interpreter() -> WarmInterpreter:
    """Start an interpreter for the programs of all tests, which ends with this process."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(warm_interpreter(*PACKAGES, options=("-W", "error")))


def run(program, before_setup="", after_settings=""):
    """Run a program after a plain Django's setup, and return what it printed, line by line."""
    source = dedent(before_setup) + SETUP + after_settings + dedent(program)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = interpreter().run("-c", source, cwd=Path.cwd(), env=env)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()
