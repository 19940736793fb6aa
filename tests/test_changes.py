"""The changes of a save, as a mapping."""

import json

import pytest

from clarion.changes import Change, Changes, merge_changes


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


class TestMergeChanges:
    """The changes of several saves of one row, as one."""

    def test_first_old_and_last_new_value(self):
        """Of each attribute that any of the saves has changed."""
        merged = merge_changes([Changes({"a": (1, 2)}), Changes({"b": (5, 6), "a": (2, 3)})])
        assert merged == {"a": (1, 3), "b": (5, 6)}
        assert merge_changes([]) == {}

    def test_attribute_that_returns_to_its_first_value_is_left_out(self):
        """It is unchanged, although it was written."""
        assert merge_changes([Changes({"a": (1, 2)}), Changes({"a": (2, 1)})]) == {}

    def test_new_row(self):
        """Its old values are None, even where the first and the last value are None."""
        saves = [Changes({"a": (None, 1), "b": (None, None)}), Changes({"a": (1, 2)})]
        assert merge_changes(saves) == {"a": (None, 2), "b": (None, None)}

    def test_row_that_is_created_and_deleted(self):
        """A row that is created and deleted has no changes."""
        assert merge_changes([Changes({"a": (None, 1)}), Changes({"a": (1, None)})]) == {}

    def test_unknown_old_values_stay_unknown(self):
        """An old value that an earlier save knows is used."""
        unknown = Changes({"a": (None, 2)}, unknown=["a"])
        merged = merge_changes([unknown, Changes({"a": (2, None)})])
        assert merged == Changes({"a": (None, None)}, unknown=["a"])
        assert merge_changes([Changes({"a": (1, 3)}), unknown]) == Changes({"a": (1, 2)})

    def test_pending_attributes(self):
        """They stay so until a save knows the new value; the old one is not known then."""
        pending = Changes({}, pending=["a"])
        assert merge_changes([Changes({"a": (1, 2)}), pending]) == pending
        assert merge_changes([Changes({"a": (1, 2)}), pending, Changes({"a": (3, 4)})]) == {
            "a": (1, 4)
        }
        merged = merge_changes([pending, Changes({"a": (3, 4)})])
        assert merged == Changes({"a": (None, 4)}, unknown=["a"])

    def test_comparison(self):
        """A function decides what is equal; what cannot be compared is not."""
        saves = [Changes({"a": ("1.50", 2)}), Changes({"a": (2, 1.5)})]
        assert merge_changes(saves) == {"a": ("1.50", 1.5)}
        assert merge_changes(saves, lambda name, old, new: float(old) == new) == {}

        class Odd:
            def __eq__(self, other):
                raise LookupError

            __hash__ = None  # type: ignore[assignment]

        assert merge_changes([Changes({"a": (Odd(), 2)}), Changes({"a": (2, 3)})])["a"].new == 3
