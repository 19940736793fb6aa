"""The changes of a save, as a mapping."""

import json

import pytest

from clarion.changes import Change, Changes


@pytest.fixture
def changes():
    return Changes({"title": ("old", "new"), "pages": (None, 7)}, pending=["stock"])


def test_it_maps_attributes_to_their_old_and_new_value(changes):
    """Each attribute maps to a pair of its old and its new value, with names."""
    assert changes["title"] == ("old", "new")
    assert changes["pages"] == Change(old=None, new=7)
    assert dict(changes) == {"title": ("old", "new"), "pages": (None, 7)}
    assert changes == {"title": ("old", "new"), "pages": (None, 7)}


def test_a_pending_attribute_is_no_key(changes):
    """An attribute whose value only the database knows is no key."""
    assert "stock" not in changes
    assert changes.pending == {"stock"}


def test_it_cannot_be_changed(changes):
    """The mapping cannot be changed, because receivers share it."""
    with pytest.raises(TypeError):
        changes["title"] = ("a", "b")
    with pytest.raises(AttributeError):
        changes["title"].old = "a"


def test_it_can_be_encoded(changes):
    """The values and pairs can be encoded."""
    assert json.loads(json.dumps(dict(changes))) == {"title": ["old", "new"], "pages": [None, 7]}


def test_repr_has_names_only(changes):
    """The repr has the names only, because values may be secret."""
    assert repr(changes) == "<Changes of title, pages, stock (not known yet)>"
    assert repr(Changes({})) == "<Changes of nothing>"
