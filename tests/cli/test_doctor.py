"""clarion doctor: receivers that can never run."""

import json
import re
import subprocess
import sys
from textwrap import dedent

import pytest

from clarion.outbox import open_database, use_database
from tests.doctor.conftest import plant
from tests.house.tree import ROOT, SRC

__all__ = ["plant"]  # a fixture

FAULTY = """
from clarion import Signal, durable, receiver
from clarion.outbox import open_database

database = open_database("sqlite:///DATABASE")
paid = Signal(name="shop.paid")

@receiver(paid, delivery=durable(name="shop:send_receipt"))
def send_receipt(**kwargs): ...

paid.connect(lambda **kwargs: None, weak=True)
"""


@pytest.fixture
def faulty(plant, shop):
    """Return the name of a module with a fault, and a stored delivery without a receiver."""
    shop.publish("shop:mail_receipt")
    return plant(receivers=FAULTY.replace("DATABASE", shop.url.removeprefix("sqlite:///")))


def test_findings_are_printed_with_place_and_cure(invoke, faulty):
    """Each finding is printed with its place and cure, and the exit code is 1."""
    done = invoke("doctor", f"{faulty}.receivers")
    assert done.exit_code == 1, done.output
    lines = done.stdout.splitlines()
    first = lines.index(f"W004 {faulty}/receivers.py:11")
    assert lines[first + 1 : first + 4] == [
        (
            "     Receiver <lambda> of signal shop.paid is held weakly, and nothing else holds it, so it dies "
            "as soon as it is connected."
        ),
        "     Cure: Connect it with weak=False, or keep it in a module or in an object that lives as long.",
        "",
    ]
    assert re.fullmatch(r"\d+ findings?\.", lines[-1])


@pytest.mark.parametrize("by", ["url", "reference", "variable", "program"])
def test_the_database_is_read(invoke, faulty, shop, by):
    """The database may be a URL, an object, a variable of the environment, or set by the program."""
    reference = f"{faulty}.receivers:database"
    options = {"url": ["-d", shop.url], "reference": ["-d", reference]}.get(by, [])
    before = use_database(open_database(shop.url)) if by == "program" else None
    variables = {"CLARION_DATABASE": shop.url} if by == "variable" else {}
    try:
        done = invoke("doctor", f"{faulty}.receivers", *options, **variables)
    finally:
        if by == "program":
            use_database(before)
    assert done.exit_code == 1
    assert "for the receiver 'shop:mail_receipt', which is not connected." in done.stdout
    assert "If it is now 'shop:send_receipt', connect that with aliases=[" in done.stdout


def test_json(invoke, faulty, shop):
    """`--json` prints a list of findings with absolute paths."""
    done = invoke("doctor", f"{faulty}.receivers", "--json", "-d", shop.url)
    assert done.exit_code == 1
    found = [each for each in json.loads(done.stdout) if f"/{faulty}/" in (each["file"] or "")]
    assert [each["code"] for each in found] == ["W005", "W004"]
    assert found[0].keys() == {"code", "subject", "problem", "cure", "file", "line"}
    assert found[0]["file"].startswith("/")
    assert [each["line"] for each in found] == [8, 11]


def test_a_file_that_the_program_will_create(invoke, plant, tmp_path):
    """The doctor does not create a database file that does not exist yet."""
    path = tmp_path / "later.db"
    before = use_database(open_database(f"sqlite:///{path}"))
    try:
        assert invoke("doctor", plant(receivers="")).exit_code in {0, 1}
    finally:
        use_database(before)
    assert not path.exists()


MISTAKES = {
    "no module": ([], "Name a module that connects receivers"),
    "unknown": (["no_such_module"], "No module no_such_module was found."),
    "no name": (["shop/receivers.py"], "The name of a module cannot be read."),
    "a reference": (["json:loads"], "The name of a module cannot be read."),
    "no database": (["json", "-d", "nothing"], "The URL of the database has no scheme."),
    "no file": (["json", "-d", "sqlite:///no/such.db"], "There is no SQLite file 'such.db'."),
    "no object": (["json", "-d", "json:nothing"], "is no database of an outbox"),
    "no server": (
        ["json", "-d", "postgresql://someone:s3cret@127.0.0.1:1/shop"],
        "cannot be used",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_one_sentence(invoke, arguments, message):
    """A mistake of the user is one sentence without a traceback, with the exit code 2."""
    done = invoke("doctor", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.output
    assert "s3cret" not in done.output


@pytest.mark.parametrize("text", ["1/0", "def f(:", "import no_such_module", "raise SystemExit(3)"])
def test_a_module_that_raises(invoke, plant, text):
    """The traceback of a module that raises shows its own frames and none of Clarion's."""
    package = plant(receivers=text)
    done = invoke("doctor", f"{package}.receivers")
    assert done.exit_code == 2
    assert "clarion/cli" not in done.output


def test_the_examples_are_clean():
    """The doctor finds nothing in any of the examples, and the exit code is 0."""
    for package in ("fastapi", "sqlalchemy", "aiosqlite"):
        pytest.importorskip(package)
    folder = ROOT / "examples"
    program = f"""
        import sys
        sys.path[:0] = [{str(SRC)!r}, {str(folder / "shop_fastapi")!r}]
        from clarion.cli import main
        for options in ([], ["--json"]):
            sys.argv[1:] = ["doctor", "plain", "durable", "durable_fastapi", "shop.app", *options]
            try:
                main()
            except SystemExit as end:
                print(end.code)
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(program)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("Nothing was found.\n0\n[]\n0\n", "", 0)
