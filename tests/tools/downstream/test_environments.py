"""The environment of a suite: its digest, its source distribution and its variables."""

import tarfile
from pathlib import Path

import pytest

from downstream import environments
from downstream.environments import Environment, clean_environ, digest


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """Return an environment whose files are in the folder of the test; pip does nothing."""
    monkeypatch.setattr(environments, "BUILD", tmp_path / "build")
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setattr(Environment, "pip", lambda self, *arguments: called.append(arguments))
    monkeypatch.setattr(
        "subprocess.run",
        lambda command, **options: Path(command[-1]).mkdir(parents=True, exist_ok=True),
    )
    called: list[tuple[object, ...]] = []
    made = Environment("a-py3.12", 12, Path("python3.12"))
    folder = tmp_path / "build" / "sdists" / "a-1.0"
    folder.mkdir(parents=True)
    (tmp_path / "a-1.0").mkdir()
    with tarfile.open(folder / "a-1.0.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "a-1.0", "a-1.0")
    return made, called


def test_an_environment_is_built_once(environment):
    """Unless what it depends on has changed."""
    made, called = environment
    source = made.prepare("a==1.0", lambda source: [source, "needed"])
    assert source.name == "a-1.0"
    assert called[-1][2:4] == (source, "needed")
    before = len(called)
    made.prepare("a==1.0", lambda source: [source])
    assert len(called) == before
    made.prepare("a==1.0", lambda source: [source], key="other")
    assert len(called) > before


def test_a_digest_depends_on_the_interpreter_and_the_keys():
    """And on the files that a build reads."""
    python = Path("python3.12")
    assert digest(python, "a") == digest(python, "a")
    assert len({digest(python, "a"), digest(python, "b"), digest(Path("other"), "a")}) == 3


def test_variables_of_the_caller_do_not_reach_the_tests(monkeypatch):
    """Such as settings of Django, and a path of modules."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "mine")
    monkeypatch.setenv("PYTHONPATH", "mine")
    monkeypatch.setenv("KEPT", "yes")
    environ = clean_environ(PYTHONPATH="theirs")
    assert "DJANGO_SETTINGS_MODULE" not in environ
    assert (environ["PYTHONPATH"], environ["KEPT"]) == ("theirs", "yes")
