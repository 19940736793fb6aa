"""Mapped classes and association tables are found by their names."""

import sys
from types import ModuleType

import pytest
from sqlalchemy import Column, Integer, MetaData, Table

from clarion.integrations.sqlalchemy.outbox.mapped import (
    class_name,
    class_named,
    place_of,
    table_at,
)
from tests.integrations.sqlalchemy.late import map_class, new_base
from tests.integrations.sqlalchemy.shop import Author, Book


def test_a_class_that_is_mapped_later_is_found():
    """A class that is mapped later is found, because the names are read again."""
    name = "tests.integrations.sqlalchemy.late:MuchLater"
    with pytest.raises(LookupError, match=f"no mapped class has the name '{name}'"):
        class_named(name)
    late = map_class(new_base(), "MuchLater")
    assert class_named(name) is late
    assert class_name(late) == name


def test_a_main_module_that_was_imported_too(monkeypatch):
    """Its classes exist twice. The message names the reason and the cure."""
    main = ModuleType("__main__")
    main.__file__ = "twice.py"
    monkeypatch.setitem(sys.modules, "__main__", main)
    base = new_base()
    for module in ("__main__", "twice"):
        kind = map_class(base, f"Twice_{module}")
        kind.__module__, kind.__qualname__ = module, "Twice"
    map_class(base, "AfterTwice")  # so that the names are read again
    with pytest.raises(
        ValueError, match="the main module of the program was also imported as twice; move its"
    ):
        class_name(kind)


def test_an_association_table_is_found_by_its_relationship():
    """An association table is stored and found by its relationship."""
    table = Book.metadata.tables["book_author"]
    place = place_of(table)
    assert place in [(class_name(Book), "authors"), (class_name(Author), "books")]
    assert table_at([*place]) is table
    assert place_of(table) == place


def test_other_tables_are_refused():
    """A table of no relationship is refused, because no send has it as its sender."""
    with pytest.raises(ValueError, match="no many-to-many relationship"):
        place_of(Table("other", MetaData(), Column("id", Integer)))
    with pytest.raises(LookupError, match="no many-to-many relationship 'title'"):
        table_at([class_name(Book), "title"])
