"""The lines of a table."""

import pytest

from clarion.cli.tables import Column, table_lines

NAME = "shop.receivers.reserve_stock"


def plain(columns, rows, width):
    """Return the lines of a table without styles and without spaces at their ends."""
    lines = table_lines(columns, rows, width)
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def test_a_table_has_its_natural_width():
    """The columns are as wide as their longest text, with two spaces between; numbers end alike."""
    columns = [Column("receiver"), Column("dead", "right"), Column("oldest")]
    assert plain(columns, [(NAME, "7", "1 min"), ("a", "123456", "2 h")], 80) == [
        "receiver                        dead  oldest",
        "shop.receivers.reserve_stock       7  1 min",
        "a                             123456  2 h",
    ]


def test_the_widest_column_is_narrowed_first():
    """A name is folded between its parts, and the short columns keep their width."""
    assert plain([Column("receiver"), Column("n", "right")], [(NAME, "42")], 20) == [
        "receiver           n",
        "shop.receivers.   42",
        "reserve_stock",
    ]


def test_columns_of_one_width_are_narrowed_alike():
    """Two columns of text share the space; a heading that is folded ends next to the rows."""
    columns = [Column("receiver"), Column("sender", is_cut=True)]
    assert plain(columns, [("a" * 20, "b" * 20)], 16) == [
        "receiv",
        "er      sender",
        "aaaaaa  bbbbbbb…",
        "aaaaaa",
        "aaaaaa",
        "aa",
    ]


def test_a_letter_of_two_cells_stays_in_its_column():
    """Letters that take two cells of a terminal do not move the next column."""
    rows = [("日本語日本語", "x")]
    assert plain([Column("a"), Column("b")], rows, 80)[1] == "日本語日本語  x"
    assert plain([Column("a"), Column("b")], rows, 10) == [
        "a        b",
        "日本語   x",
        "日本語",
    ]


@pytest.mark.parametrize("width", [1, 3, 7])
def test_a_terminal_may_be_too_narrow(width):
    """Each column has a letter then."""
    lines = plain([Column("a", "right"), Column("b")], [("12", "bc")], width)
    assert "".join(lines).count("b") == 2


def test_styles_are_those_of_the_columns():
    """The headings are bold, and the cells have the style of their column."""
    lines = table_lines([Column("a"), Column("b", style="dim")], [("1", "2")], 80)
    assert lines == [[("a  ", "bold"), ("b", "bold")], [("1  ", ""), ("2", "dim")]]


def test_a_table_without_rows_has_no_lines():
    """There is no heading without a row."""
    assert table_lines([Column("a")], [], 80) == []
