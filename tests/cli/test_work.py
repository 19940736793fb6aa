"""`clarion work`."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from contextlib import contextmanager
from pathlib import Path

import pytest

from clarion import Signal
from clarion.outbox import store
from tests.cli.conftest import HOSTILE, environment_of

PROGRAM = """
import os
import time
from clarion import Signal, durable, receiver
from clarion.outbox import open_database

order_paid = Signal(name="shop.order_paid")
database = open_database(os.environ["SHOP"])

@receiver(order_paid, delivery=durable(retries=0, name="shop:mail"))
def mail(sender, number, **kwargs):
    print("mail", number, flush=True)
    while number == 99 and not os.path.exists("go"):
        time.sleep(0.01)
    if number == 13:
        raise ValueError("no \\x1b[31m[red]<script> mail")
"""

other_signal = Signal(name="shop.other")


@pytest.fixture
def program(tmp_path):
    """Write a program with one durable receiver, `shop:mail`."""
    (tmp_path / "clishop.py").write_text(PROGRAM)
    (tmp_path / "clibare.py").write_text("number = 7")


@contextmanager
def running(folder, *arguments, **environment):
    """Run a worker in another process, and end it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "clarion", "work", *arguments],
        cwd=folder,
        env=environment_of(folder, **environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        with process:
            yield process
    finally:
        process.kill()


@pytest.mark.usefixtures("program")
def test_what_is_due_is_made(command, any_shop):
    """`--drain` makes the waiting deliveries, prints the receivers that it has found, and ends with 0."""
    any_shop.publish("shop:mail", number=7)
    done = command("work", "clishop", "--drain", CLARION_DATABASE=any_shop.url, SHOP=any_shop.url)
    assert (done.returncode, done.stdout) == (0, "mail 7\n")
    lines = done.stderr.splitlines()
    assert lines[0].startswith("clarion ")
    assert any_shop.database.name in lines[0]
    assert lines[1].split() == ["shop:mail", "on", "shop.order_paid"]
    assert lines[-1] == "Stopped: 1 made."
    assert any_shop.counts() == {}


@pytest.mark.usefixtures("program")
def test_a_dead_delivery_is_an_exit_code(command, shop):
    """If a delivery dies in a drain, the exit code is 1, and the log has no escapes."""
    shop.publish("shop:mail", number=13)
    done = command("work", "clishop", "--drain", "-d", shop.url, SHOP=shop.url)
    assert done.returncode == 1
    assert done.stderr.endswith("Stopped: 1 dead.\n")
    assert r"ValueError: no \x1b[31m[red]<script> mail" in done.stderr
    assert "\x1b" not in done.stderr
    assert shop.counts() == {"shop:mail": (0, 1)}


@pytest.mark.usefixtures("program")
def test_once_looks_once(command, shop):
    """`--once` makes the deliveries that are stored, and ends as `--drain` does."""
    shop.publish("shop:mail", number=7)
    options = ("work", "clishop", "--once", "-d", shop.url)
    done = command(*options, SHOP=shop.url)
    assert (done.returncode, done.stdout) == (0, "mail 7\n")
    assert done.stderr.endswith("Stopped: 1 made.\n")
    shop.publish("shop:mail", number=13)
    assert command(*options, SHOP=shop.url).returncode == 1


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("option", ["--drain", "--once"])
def test_what_waits_is_said(command, any_shop, option):
    """A worker that ends by itself says how many deliveries another worker has."""
    for number in range(2):
        any_shop.publish("shop:mail", number=number)
    any_shop.publish("shop:old", number=2)  # it serves no such receiver
    any_shop.run(store.claim, "shop:mail", 1, 600_000)
    options = ("work", "clishop", option, "-d", any_shop.url)
    done = command(*options, SHOP=any_shop.url)
    assert (done.returncode, done.stdout) == (0, "mail 1\n")
    last = done.stderr.splitlines()[-1]
    assert re.fullmatch(
        r"Stopped: 1 made\. These deliveries wait: 1 is leased to another worker "
        r"\(unless renewed, the lease ends in \d+ min\)\.",
        last,
    )


@pytest.mark.usefixtures("program")
def test_unknown_receivers_are_a_warning(command, shop):
    """Deliveries of receivers that are not connected are named, and wait."""
    shop.publish("shop:old", signal=other_signal)
    done = command("work", "clishop", "--drain", "-d", shop.url, SHOP=shop.url)
    assert done.returncode == 0
    assert "WARNING clarion.worker: 1 delivery waits for the receiver 'shop:old'" in done.stderr
    assert shop.counts() == {"shop:old": (1, 0)}


@pytest.mark.usefixtures("program")
def test_the_database_is_a_url_among_the_modules(command, shop):
    """A URL among the arguments names the database, before or after the module."""
    for number, arguments in enumerate([(shop.url, "clishop"), ("clishop", shop.url)]):
        shop.publish("shop:mail", number=number)
        done = command("work", *arguments, "--drain", SHOP=shop.url)
        assert (done.returncode, done.stdout) == (0, f"mail {number}\n")
    done = command("work", shop.url, "--drain", SHOP=shop.url)
    assert (done.returncode, "Name a module" in done.stderr) == (2, True)


@pytest.mark.usefixtures("program")
def test_a_module_that_sends_leaves_no_connection_open(tmp_path, any_shop):
    """A command ends without a warning, although a module has sent outside of any transaction."""
    (tmp_path / "clisends.py").write_text(
        "from clarion.outbox import use_database\nimport clishop\n"
        "use_database(clishop.database)\nclishop.order_paid.send(None, number=5)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always", "-m", "clarion", "work", "clisends", "--drain"],
        cwd=tmp_path,
        env=environment_of(tmp_path, CLARION_DATABASE=any_shop.url, SHOP=any_shop.url),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "mail 5\n")
    assert "Warning" not in done.stderr


@pytest.mark.usefixtures("program")
def test_the_database_is_an_object(command, shop):
    """`module:object` names the database and imports its module."""
    shop.publish("shop:mail", number=7)
    url = "sqlite:///gone.db"
    done = command("work", "clishop:database", "--drain", SHOP=shop.url, CLARION_DATABASE=url)
    assert (done.returncode, done.stdout) == (0, "mail 7\n")


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_gently(tmp_path, shop, number):
    """After SIGTERM or Ctrl+C the worker finishes the running calls and ends with 0."""
    shop.publish("shop:mail", number=7)
    with running(tmp_path, "clishop:database", SHOP=shop.url) as process:
        assert process.stdout.readline() == "mail 7\n"
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert errors.endswith("Stopped: 1 made.\n")
    assert "Traceback" not in errors
    assert shop.counts() == {}


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("option", ["--drain", "--once"])
def test_a_signal_stops_a_drain_gently(tmp_path, shop, option):
    """After SIGTERM a drain finishes the running call, says what it has made, and ends with 0."""
    shop.publish("shop:mail", number=99)
    with running(tmp_path, "clishop:database", option, SHOP=shop.url) as process:
        assert process.stdout.readline() == "mail 99\n"
        process.send_signal(signal.SIGTERM)
        (tmp_path / "go").touch()
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert errors.endswith("Stopped: 1 made.\n")


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["clibare"], "connect no durable receiver. Connect one with @receiver(signal, delivery="),
        (["cligone"], "No module cligone was found"),
        (["clishop", "-r", "shop:sms"], "has the name shop:sms. The names are: shop:mail."),
        (["clishop:database", "clishop:database"], "Two databases are named"),
        (["clishop:gone"], "clishop:gone is no database"),
        (["clishop", "-d", "sqlite:///typo.db"], "There is no SQLite file 'typo.db'"),
        (["clishop", "-d", "postgresql://a:hunter2@127.0.0.1:1/x"], "cannot be used"),
        (["clishop", "--lease", "0"], "--lease"),
        (["clishop", "-c", "0"], "--concurrency"),
        (["clishop", "--once", "--drain"], "Give one of them"),
    ],
    ids=str,
)
def test_a_mistake_is_one_sentence(command, shop, arguments, reason):
    """A mistake of the user is one sentence with a cure, without a traceback, and the exit code is 2."""
    environment = {"SHOP": shop.url}
    if not {"-d", "clishop:database"} & {*arguments}:
        environment["CLARION_DATABASE"] = shop.url
    done = command("work", *arguments, **environment)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.usefixtures("program")
def test_without_a_database_the_cure_is_named(command, shop):
    """Without a database the message names the ways to give one."""
    done = command("work", "clishop", SHOP=shop.url)
    assert done.returncode == 2
    assert "Add --database URL, set CLARION_DATABASE, or name an object" in done.stderr


@pytest.mark.usefixtures("program")
def test_missing_tables_are_one_sentence(command, any_url):
    """A database without tables is refused with the command that creates them."""
    if any_url.startswith("sqlite"):
        Path(any_url.removeprefix("sqlite:///")).touch()
    done = command("work", "clishop:database", SHOP=any_url)
    assert done.returncode == 2
    assert "clarion outbox create" in done.stderr
    assert "Traceback" not in done.stderr


def in_a_terminal(folder, *arguments, **environment):
    """Return the output of a command in a terminal of 80 columns, and its exit code."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "clarion", *arguments],
        cwd=folder,
        env=environment_of(folder, TERM="xterm-256color", **environment),
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    chunks = []
    while True:
        try:
            chunk = os.read(leader, 65_536)
        except OSError:  # the process has closed its end
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(leader)
    return b"".join(chunks).decode(), process.wait(timeout=30)


@pytest.mark.parametrize("color", [True, False], ids=["color", "plain"])
def test_a_terminal_gets_80_columns(tmp_path, shop, color):
    """In a terminal the tables fit in 80 columns; NO_COLOR removes the colours."""
    shop.bury(f"shop.receivers:{'send_a_long_mail' * 3}", f"ValueError: {HOSTILE} {'x' * 200}")
    environment = {"CLARION_DATABASE": shop.url, **({} if color else {"NO_COLOR": "1"})}
    for command, code in ((["outbox", "ls"], 0), (["outbox", "status"], 1)):
        text, returned = in_a_terminal(tmp_path, *command, **environment)
        assert returned == code
        assert bool(re.search("\x1b\\[[0-9;]*3[0-9]", text)) == color
        assert color or "\x1b" not in text  # not even bold text
        plain = re.sub("\x1b\\[[0-9;]*m", "", text)
        assert "\x1b" not in plain
        assert max(map(len, plain.splitlines())) <= 80
        if command[1] == "ls":
            assert "…" in plain
