"""How Sphinx builds the documentation: `make docs`."""

import os
import sys
from pathlib import Path
from typing import Any

from sphinx.ext.autodoc.mock import _MockModule, _MockObject  # type: ignore[import-not-found]  # not in every environment

import clarion

sys.path += [str(Path(__file__).parent / "_ext"), str(Path(__file__).parents[1] / "tools")]

from documentation.docstrings import setup_lines

project = "Clarion"
author = "The Clarion maintainers"
copyright = f"2026, {author}"
release = version = clarion.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "error_messages_page",
    "social_picture",
]
exclude_patterns = ["_build"]

html_theme = "furo"
# Social networks need the whole address of a picture, so a published site sets this.
html_baseurl = os.environ.get("READTHEDOCS_CANONICAL_URL", "")
html_title = f"Clarion {release}"
html_static_path = ["_static"]
html_css_files = ["clarion.css"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
# Autodoc reads the docstrings of the integrations without the frameworks.
autodoc_mock_imports = [
    "alembic",
    "asgiref",
    "celery",
    "django",
    "dramatiq",
    "huey",
    "kombu",
    "mypy",
    "procrastinate",
    "psycopg",
    "pydantic",
    "pydantic_settings",
    "pymysql",
    "pytest",
    "redis",
    "rq",
    "sqlalchemy",
    "taskiq",
]
# The integrations read these, because they refuse a framework that is too old.
_MockModule.VERSION = (99,)
_MockModule.__version__ = "99"
# The integration of RQ reads which options a method of the queue has.
_MockObject.__signature__ = None
# `name` in a docstring links to a Clarion name, and is code otherwise.
default_role = "py:obj"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# The build needs no network, because it fetches no inventory of another project. So it checks
# only references to Clarion's public names, and not to type variables.
nitpick_ignore_regex = [
    ("py:.*", r"(?!clarion\b).*|clarion\._core\..*|clarion\.typing\.[A-Z]|.*\.S")
]


def setup(app: Any) -> None:
    """Convert docstrings before napoleon reads them, which has the priority 500."""
    app.connect("autodoc-process-docstring", setup_lines, priority=400)
