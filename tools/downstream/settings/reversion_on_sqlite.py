"""django-reversion's own settings, with all three databases on SQLite, which needs no server."""

from test_project.settings import *  # noqa: F403
from test_project.settings import DATABASES

for _name in ("postgres", "mysql"):
    DATABASES[_name] = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
