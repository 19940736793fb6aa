"""What a save changes, as a mapping."""

import json

import pytest

from clarion.changes import Change, Changes


@pytest.fixture
def changes():
    return Changes({"title": ("old", "new"), "pages": (None, 7)}, pending=["stock"])


def test_it_maps_attributes_to_their_old_and_new_value(changes):
    """Each is a pair with names."""
    assert changes["title"] == ("old", "new")
    assert changes["pages"] == Change(old=None, new=7)
    assert dict(changes) == {"title": ("old", "new"), "pages": (None, 7)}
    assert changes == {"title": ("old", "new"), "pages": (None, 7)}


def test_what_is_pending_is_no_key(changes):
    """Nothing is made up for what only the database knows."""
    assert "stock" not in changes
    assert changes.pending == {"stock"}


def test_it_cannot_be_changed(changes):
    """Receivers share it."""
    with pytest.raises(TypeError):
        changes["title"] = ("a", "b")
    with pytest.raises(AttributeError):
        changes["title"].old = "a"


def test_it_can_be_encoded(changes):
    """It holds values only, and a dictionary of it is one of pairs."""
    assert json.loads(json.dumps(dict(changes))) == {"title": ["old", "new"], "pages": [None, 7]}


def test_repr_has_names_only(changes):
    """The values may be secret, and logs and error trackers print the repr."""
    assert repr(changes) == "<Changes of title, pages, stock (not known yet)>"
    assert repr(Changes({})) == "<Changes of nothing>"
