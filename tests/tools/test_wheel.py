"""What is published: the wheel works away from the source, the sdist without a compiler."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.house.tree import ROOT

pytestmark = pytest.mark.wheel

# Of the source, what a build may look at.
SOURCE = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "src")

# Run the tests against what is installed, and nothing else.
TESTS = """
import sys
import pytest

status = pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]])
import clarion
assert clarion.__file__.startswith(sys.prefix), clarion.__file__
assert not [path for path in sys.path if path.endswith("src")], sys.path
sys.exit(status)
"""

DISPATCHER = "from clarion.introspect import dispatcher; print(dispatcher())"


def run(*command, cwd, **environ):
    """Run a program; return all that it prints, or fail with it."""
    ours = {"PYTHONPATH", "CLARION_PURE", "CLARION_TWINS"}
    there = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=there | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stdout
    return done.stdout.strip()


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """Build the sdist, and of that the wheel; the checkout is left alone."""
    pytest.importorskip("build")
    source = tmp_path_factory.mktemp("source")
    built = shutil.ignore_patterns("*.so", "*.egg-info", "__pycache__")
    for name in SOURCE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=built)
        else:
            shutil.copy(ROOT / name, source)
    run(sys.executable, "-m", "build", "--no-isolation", cwd=source)
    return source / "dist"


def install(*arguments, cwd, **environ):
    """Install something with pip, without the network."""
    pip = (sys.executable, "-m", "pip", "-q", "--no-input", "--disable-pip-version-check")
    return run(*pip, *arguments, "--no-deps", "--no-index", cwd=cwd, **environ)


def test_the_wheel_passes_the_tests_of_the_core(dist, tmp_path):
    """Installed where the source is out of reach, both implementations do."""
    (wheel,) = dist.glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "env", cwd=tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    install("--python", python, "install", wheel, cwd=tmp_path)
    assert run(python, "-c", DISPATCHER, cwd=tmp_path) == "compiled"
    # What the tests need they find here. A .pth file in there, by which the source could
    # be reached, is not read.
    (site,) = (tmp_path / "env").glob("lib/*/site-packages")
    ours = [path for path in sys.path if path.endswith("-packages")]
    (site / "tools.pth").write_text("\n".join(ours))
    # A test that finds no compiled sends fails. What plays at random takes long, and would
    # play no other game here.
    core = ("tests/core", "--ignore=tests/core/test_machine.py")
    run(python, "-c", TESTS, *core, cwd=ROOT, CLARION_REQUIRE_SERVICES="1")


def test_the_sdist_is_installed_without_a_compiler(dist, tmp_path):
    """Without a word, and the sends are those in Python, which says why."""
    (sdist,) = dist.glob("*.tar.gz")
    build = ("install", "--no-build-isolation", "--target", tmp_path, sdist)
    assert install(*build, cwd=tmp_path, CC="false") == ""
    assert not list(tmp_path.rglob("*.so"))
    shown = run(sys.executable, "-c", DISPATCHER, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert shown.startswith("pure Python: The compiled sends cannot be loaded, perhaps they were")


def test_what_is_published_is_complete(dist):
    """The types are in the wheel, the C source in the sdist only, and no test in either."""
    (wheel,) = dist.glob("*.whl")
    (sdist,) = dist.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        installed = {Path(name) for name in archive.namelist()}
    with tarfile.open(sdist) as archive:
        published = {Path(*Path(name).parts[1:]) for name in archive.getnames()}
    core = Path("clarion/_core")
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    assert {Path("clarion/py.typed"), core / "_send.pyi", core / f"_send{suffix}"} <= installed
    compiled = {core / name for name in ("_send.c", "_state.h", "_find.h")}
    assert installed.isdisjoint(compiled)
    assert {Path("setup.py"), Path("LICENSE"), *("src" / path for path in compiled)} <= published
    assert not {path for path in installed | published if path.parts[:1] == ("tests",)}
    modules = {path.relative_to(ROOT / "src") for path in (ROOT / "src").rglob("*.py")}
    assert modules <= installed
