"""Programs that PyInstaller bundles, or that run from a zip archive, find their integrations."""

import sys
import zipapp

import pytest

from tests.tools.building import PIP, run
from tests.tools.programs import EXAMPLES, ON_COMMIT

pytestmark = pytest.mark.wheel

REQUIREMENTS = ("pyinstaller", "django", "sqlalchemy[asyncio]")

# What the program that a test bundles says of itself.
SAYS = """
import clarion
from clarion.introspect import dispatcher
print("ran", calls, clarion.__version__, dispatcher())
"""

# SQLAlchemy is there, its integration is not.
EXCLUDED = (
    "import sqlalchemy.orm"
    + ON_COMMIT
    + """
try:
    saved.send(None, number=2, session=sqlalchemy.orm.Session())
except ImportError as error:
    print(error)
else:
    raise AssertionError("not refused")
"""
)


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """Return an interpreter with Clarion, the frameworks and PyInstaller."""
    place = tmp_path_factory.mktemp("bundles")
    run(sys.executable, "-m", "venv", "--without-pip", place / "env", cwd=place)
    python = place / "env" / "bin" / "python"
    run(*PIP, "--python", python, "install", "--no-compile", wheel, *REQUIREMENTS, cwd=place)
    return python


@pytest.fixture
def bundled(python, tmp_path):
    """Return a function that bundles a program, runs it elsewhere, and returns what it prints."""

    def bundled(program, *options):
        (tmp_path / "program.py").write_text(program)
        build = ("-m", "PyInstaller", "--onedir", "--noconfirm", "--log-level", "ERROR")
        run(python, *build, *options, "program.py", cwd=tmp_path)
        (tmp_path / "dist" / "program").rename(tmp_path / "moved")
        return run(tmp_path / "moved" / "program", cwd=tmp_path)

    return bundled


def modules_in(place):
    """Return the names of the modules in a bundle."""
    text = (place / "build" / "program" / "PYZ-00.toc").read_text()
    return {
        line.strip(" [(,'") for line in text.splitlines() if line.strip().startswith(("(", "["))
    }


@pytest.mark.parametrize("framework", ["sqlalchemy", "django"])
def test_a_bundle_has_the_integrations_of_its_frameworks(bundled, framework):
    """A receiver waits for the commit in a bundled program, and it knows its version."""
    printed = bundled(EXAMPLES[framework] + SAYS)
    assert printed.startswith("ran [")
    assert printed.endswith(f"{version()} compiled")


def test_a_bundle_without_frameworks_stays_small(bundled, tmp_path):
    """A program gets no framework, even if it is installed where the program was bundled."""
    assert bundled(ON_COMMIT + SAYS).startswith("ran [1]")
    found = modules_in(tmp_path)
    assert "clarion.commit.providers" in found
    assert not {name for name in found if name.startswith(("sqlalchemy", "django"))}


def test_an_integration_that_is_excluded_breaks_nothing(bundled):
    """The program runs; a send that names a session is refused, and says what is missing."""
    printed = bundled(EXCLUDED, "--exclude-module", "clarion.integrations.sqlalchemy")
    assert printed == (
        "The program was bundled without clarion.integrations.sqlalchemy. "
        "Add clarion.integrations to the hidden imports of the tool that bundles it."
    )


@pytest.mark.parametrize("framework", ["sqlalchemy", "django"])
def test_a_zip_archive_is_enough(python, wheel, tmp_path, framework):
    """Clarion runs from a zip archive, in pure Python, with frameworks from outside."""
    content = tmp_path / "content"
    run(*PIP, "--python", python, "install", "--no-deps", "--target", content, wheel, cwd=tmp_path)
    (content / "__main__.py").write_text(EXAMPLES[framework] + SAYS)
    zipapp.create_archive(content, tmp_path / "program.pyz")
    printed = run(python, "program.pyz", cwd=tmp_path)
    assert printed.startswith("ran [")
    assert f"{version()} pure Python: " in printed


def version():
    """Return the version of this checkout."""
    import clarion

    return clarion.__version__
