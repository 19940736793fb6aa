"""Which interpreters are found."""

import sys

import pytest

import interpreters

OURS = sys.version_info.minor


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Set up a machine with nothing on PATH, and add interpreters with the given scripts."""
    for name, value in {
        "PATH": tmp_path / "bin",
        "PYENV_ROOT": tmp_path / "pyenv",
        "UV_PYTHON_INSTALL_DIR": tmp_path / "uv",
    }.items():
        monkeypatch.setenv(name, str(value))

    def install(where, script):
        path = tmp_path / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return install


def answers(minor):
    return f"echo {minor} $0"


def test_ours_comes_first(machine):
    """The interpreter that asks is found without looking, and is the first."""
    machine("bin/python3.14", answers(14))
    machine("bin/python3.11", answers(11))
    assert str(interpreters.find_interpreters()[0]) == sys.executable


def test_one_for_each_minor_version(machine):
    """PATH wins over pyenv and uv, which fill the gaps."""
    on_path = machine("bin/python3.20", answers(20))
    machine("pyenv/versions/3.20.1/bin/python3.20", answers(20))
    with_pyenv = machine("pyenv/versions/3.21.0/bin/python3.21", answers(21))
    with_uv = machine("uv/cpython-3.22/bin/python3.22", answers(22))
    found = [path for _, path in sorted(interpreters.find_by_minor().items())]
    assert found[-3:] == [on_path, with_pyenv, with_uv]


def test_shim_that_refuses_is_passed_over(machine):
    """What cannot start, does not answer or is no file to run gives way to the next."""
    machine("bin/python3.20", "echo 'command not found' >&2; exit 127")
    machine("pyenv/versions/3.20.2/bin/python3.20", "exit 0")
    machine("pyenv/versions/3.20.1/bin/python3.20", "").write_bytes(b"\0")
    good = machine("pyenv/versions/3.20.0/bin/python3.20", answers(20))
    assert interpreters.find_by_minor()[20] == good


@pytest.fixture(autouse=True)
def versions_of_tomorrow(monkeypatch):
    """Look for versions that the machine running this test does not have."""
    monkeypatch.setattr(interpreters, "MINORS", (OURS, 20, 21, 22))


def test_unsupported_versions_are_left_out(machine):
    """A name does not convince: what counts is the version that answers."""
    machine("bin/python3.20", answers(19))
    assert list(interpreters.find_by_minor()) == [OURS]
