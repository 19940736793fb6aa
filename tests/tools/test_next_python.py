"""`make test-next`: what runs in the chroot, and when nothing runs."""

import next_python
import pytest

# Fakes of the programs. They write into a file how they were called.
GIT = r'printf "setup.py\0src/a.py\0gone.py\0"'
DEBOOTSTRAP = (
    'for folder; do :; done; /bin/mkdir -p "$folder/clarion"; echo made >> "$CLARION_NOTES"'
)
UNSHARE = """
case "$*" in
*quick*) echo "pure=$CLARION_PURE outside=$DJANGO_SETTINGS_MODULE ${*##*directory }" >> "$CLARION_NOTES" ;;
*instructions*) echo "${*##*directory }" >> "$CLARION_NOTES" ;;
esac
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Add a program to a PATH that is otherwise empty."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    def program(name, script):
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return program


@pytest.fixture
def machine(tmp_path, monkeypatch, program):
    """Set up a machine with all programs and a checkout; return a function that reads the notes."""
    program("git", GIT)
    program("debootstrap", DEBOOTSTRAP)
    program("unshare", UNSHARE)
    checkout = tmp_path / "checkout"
    (checkout / "src").mkdir(parents=True)
    (checkout / "benchmarks").mkdir()
    for name in ("setup.py", "src/a.py"):
        (checkout / name).write_text(name)
    monkeypatch.setattr(next_python, "ROOT", checkout)
    monkeypatch.setattr(next_python, "BUILD", checkout / "build")
    monkeypatch.setattr(next_python, "NETWORK", ())
    monkeypatch.setattr("os.geteuid", lambda: 0)
    notes = tmp_path / "notes"
    monkeypatch.setenv("CLARION_NOTES", str(notes))
    monkeypatch.delenv("CLARION_PURE", raising=False)
    return lambda: notes.read_text().splitlines() if notes.exists() else []


@pytest.fixture
def copy(machine):
    """Return the folder with the copy of the checkout."""
    return next_python.BUILD / "testing" / "clarion"


# --- Without a chroot


def test_without_root_it_is_skipped(machine, monkeypatch, capsys):
    """A user who is not root gets one sentence and the status 0."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert next_python.main([]) == 0
    assert machine() == []
    assert capsys.readouterr().out == (
        "The suite does not run on Debian's next CPython, because only root can make a chroot.\n"
    )


@pytest.mark.parametrize(
    ("name", "script", "reason"),
    [
        ("debootstrap", None, "because debootstrap is not installed (the package has"),
        ("unshare", "exit 1", "because this machine does not allow a process to have its own"),
        ("debootstrap", "exit 1", "because debootstrap cannot install testing."),
    ],
    ids=["no debootstrap", "no mounts", "no network"],
)
def test_without_a_chroot_it_is_skipped(machine, program, capfd, name, script, reason):
    """What is missing is named in one sentence, and the status is 0."""
    program(name, script or "")
    if script is None:
        (next_python.ROOT.parent / "bin" / name).unlink()
    assert next_python.main([]) == 0
    assert machine() == []
    assert reason in capfd.readouterr().out


def test_a_half_made_chroot_is_made_again(machine, program):
    """A chroot counts only after debootstrap succeeded with today's packages."""
    program("debootstrap", f"{DEBOOTSTRAP}; exit 1")
    assert next_python.make_chroot("testing") is None
    program("debootstrap", DEBOOTSTRAP)
    for _ in range(2):
        assert next_python.make_chroot("testing") == next_python.BUILD / "testing"
    assert machine() == ["made", "made"]


# --- In the chroot


def test_the_suite_runs_compiled_and_pure(machine, monkeypatch):
    """The suite runs twice, then the wheel's tests and the count, without the caller's settings."""
    monkeypatch.setenv("CLARION_PURE", "yes")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "outside")
    assert next_python.main([]) == 0
    assert machine() == [
        "made",
        "pure= outside= quick ARGS=",
        "pure=1 outside= quick ARGS=",
        "pure= outside= quick ARGS=-m wheel tests/tools",
        "instructions ARGS=",
    ]


def test_a_part_of_the_suite_is_for_pytest(machine):
    """Arguments that are not the tool's go to pytest, and nothing else runs."""
    assert next_python.main(["tests/core", "-k", "a or b"]) == 0
    assert machine() == [
        "made",
        "pure= outside= quick ARGS=tests/core -k 'a or b'",
        "pure=1 outside= quick ARGS=tests/core -k 'a or b'",
    ]


def test_a_failure_stops_nothing_and_fails(machine, program):
    """After a failure the other runs go on; the status is 1."""
    program("unshare", f'{UNSHARE}\ntest -z "$CLARION_PURE"')
    assert next_python.main([]) == 1
    assert len(machine()) == 5


def test_the_baseline_comes_back(machine, program, copy):
    """With --write the new baseline replaces that of the checkout."""
    baseline = f'"{copy}/{next_python.BASELINE}"'
    write = f'case "$*" in *--write*) /bin/mkdir -p {copy}/benchmarks; echo new > {baseline};; esac'
    program("unshare", write)
    assert next_python.main(["--write"]) == 0
    assert (next_python.ROOT / next_python.BASELINE).read_text() == "new\n"


def test_the_copy_is_the_checkout(machine, copy):
    """Old files go, environments stay, and Clarion is installed into them again."""
    for name in ("src/old.py", "old.py", ".venvs/test-3.14/filled", ".venvs/test-3.14/ready"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).touch()
    next_python.copy_checkout(next_python.list_files(), copy)
    assert sorted(str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()) == [
        ".venvs/test-3.14/filled",
        "setup.py",
        "src/a.py",
    ]
