"""`clarion outbox ls` and `clarion outbox show`."""

import json
from contextvars import ContextVar

import pytest

from clarion import Signal
from clarion.envelope import carry
from clarion.envelope.context import drop_carried
from tests.cli.conftest import HOSTILE, SHOWN


def test_dead_deliveries_are_listed(invoke, any_shop):
    """Each dead delivery has a line with the last line of its traceback."""
    row = any_shop.bury(error="Traceback:\n  File\nValueError: no mail")
    done = invoke("outbox", "ls", CLARION_DATABASE=any_shop.url)
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["id", "receiver", "key", "died", "failures", "error"]
    assert lines[1].split()[:2] == [str(row), "shop:mail"]
    assert lines[1].endswith("ValueError: no mail")


def test_the_list_is_limited_and_filtered(outbox, shop):
    """`--limit` and `--receiver` select deliveries, and the output counts the rest."""
    rows = [shop.bury("shop:mail") for _ in range(3)]
    shop.bury("shop:stock")
    done = outbox("ls", "--receiver", "shop:mail", "--limit", "2")
    assert "1 more. Raise --limit, or name a --receiver." in done.stdout
    assert "shop:stock" not in done.stdout
    found = json.loads(outbox("ls", "-r", "shop:mail", "-n", "2", "--json").stdout)
    assert found["total"] == 3
    assert [each["id"] for each in found["deliveries"]] == rows[:2]


def test_nothing_dead_is_said(outbox):
    """Without dead deliveries the output is one sentence, or empty JSON."""
    assert outbox("ls").stdout == "No delivery is dead in the SQLite file 'shop.db'.\n"
    assert json.loads(outbox("ls", "--json").stdout) == {"total": 0, "deliveries": []}


def test_a_receiver_without_deliveries_is_explained(outbox, shop):
    """A misspelt name is reported, with the right one, also beside JSON; a known one without dead ones is not."""
    shop.publish("shop:mail")
    for more in ([], ["--json"]):
        for command in (["ls"], ["requeue"], ["discard", "--yes"]):
            done = outbox(*command, "-r", "shop:mali", *more)
            assert done.exit_code == 0
            assert "hint: No delivery is stored for the receiver shop:mali." in done.stderr
            assert "Did you mean shop:mail?" in " ".join(done.stderr.split())
    done = outbox("ls", "-r", "shop:mail")
    assert done.stdout == "No delivery of shop:mail is dead in the SQLite file 'shop.db'.\n"
    assert done.stderr == ""


def test_one_is_shown(invoke, any_shop):
    """The payload and the traceback of a dead delivery are shown, without control characters."""
    error = f"Traceback:\n  File {HOSTILE}\nValueError: no"
    row = any_shop.bury(error=error, number=7, name=f"ü {HOSTILE}")
    done = invoke("outbox", "show", row, CLARION_DATABASE=any_shop.url)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert "receiver  shop:mail" in lines
    assert "signal    shop.order_paid, version 1" in lines
    assert "key       none" in lines
    assert "failures  1" in lines
    assert "headers   none" in lines
    assert '    "number": 7,' in lines
    assert f"  File {SHOWN}" in lines
    assert f"clarion outbox requeue {row}    clarion outbox discard {row}" in lines


def test_headers_and_keys_are_shown(outbox, shop):
    """The carried context variables of a dead delivery are shown."""
    variable = ContextVar("cli_tenant", default="acme")
    carry(variable)
    try:
        row = shop.bury()
    finally:
        drop_carried(variable)
    assert '"cli_tenant": "acme"' in outbox("show", row).stdout
    assert json.loads(outbox("show", row, "--json").stdout)["headers"] == {"cli_tenant": "acme"}


@pytest.mark.parametrize("payload", [b"\xff\x1b[31m", b"[1, 2]", b""])
def test_a_damaged_payload_is_shown(outbox, shop, payload):
    """A payload that no receiver can read is shown."""
    row = shop.bury()
    raw = shop.database.connect().connection
    raw.execute("UPDATE clarion_event SET payload = ?", (payload,))
    raw.close()
    for option in ([], ["--json"]):
        done = outbox("show", row, *option)
        assert done.exit_code == 0
        assert "\x1b" not in done.output


def test_a_large_payload_is_shown(outbox, shop):
    """A payload of a megabyte is printed whole."""
    row = shop.bury(signal=Signal(name="shop.large"), text="x" * 1_000_000)
    assert "x" * 1_000_000 in outbox("show", row).stdout
