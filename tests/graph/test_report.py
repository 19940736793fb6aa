"""Changes in words, as JSON and as Markdown."""

from dataclasses import replace

from clarion.graph import ConnectedReceiver, Graph, as_markdown, compare
from clarion.graph.report import changes_as_json, described, summary

MAIL = ConnectedReceiver("shop.paid", "shop.mail", "shop.Order", "shop.py", 9, delivery="on_commit")
NOW = replace(MAIL, sender=None, once=True, delivery=None)


def changes(old, new):
    return compare(Graph(old), Graph(new))


def test_one_change_in_words():
    """What a new receiver has, and what differs of an old one."""
    (connected,) = changes([], [MAIL])
    assert described(connected) == "of shop.Order, on_commit"
    (changed,) = changes([MAIL], [NOW])
    assert described(changed) == (
        "sender: shop.Order -> any sender; delivery: on_commit -> in the send; once: no -> yes"
    )
    (plain,) = changes([ConnectedReceiver("s", "r")], [])
    assert described(plain) == "any sender"


def test_all_changes_in_one_sentence():
    """By kind."""
    other = replace(MAIL, receiver="shop.index")
    assert summary([]) == "No receiver is connected, disconnected or changed."
    assert summary(changes([], [MAIL])) == "1 receiver differs: 1 connected."
    assert summary(changes([MAIL], [NOW, other])) == ("2 receivers differ: 1 connected, 1 changed.")


def test_json_has_both_sides():
    """And the names of the options that differ."""
    (found,) = changes_as_json(changes([MAIL], [NOW]))
    assert (found["change"], found["signal"], found["receiver"]) == (
        "changed",
        "shop.paid",
        "shop.mail",
    )
    assert found["options"] == ["delivery", "once", "sender"]
    assert found["old"]["delivery"] == "on_commit"
    assert found["new"]["line"] == 9


def test_markdown_is_a_table():
    """For a comment; without changes it is a sentence."""
    lines = as_markdown(changes([], [MAIL])).splitlines()
    assert lines[:3] == ["### Signals", "", "1 receiver differs: 1 connected."]
    assert lines[-1] == (
        "| **connected** | `shop.paid` | `shop.mail`<br>`shop.py:9` | `of shop.Order, on_commit` |"
    )
    assert as_markdown([]).splitlines()[-1] == summary([])


def test_markdown_obeys_no_name(hostile):
    """A name is code, in one cell."""
    (row,) = as_markdown(compare(Graph([]), hostile)).splitlines()[6:]
    assert row.replace(r"\|", "").count("|") == 5
    assert "\x1b" not in row
    assert "`` s." in row
