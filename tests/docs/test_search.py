"""The order in which the search of the documentation shows pages."""

import re

from tests.house.tree import ROOT

DOCS = ROOT / "docs"
SCORER = (DOCS / "_ext" / "search_scorer.js").read_text()


def test_each_gain_belongs_to_a_page():
    """Each start of a page's name that gains or loses is that of a page, and none hides a later one."""
    starts = re.findall(r'^  \["([^"]+)", -?\d+\],', SCORER, re.MULTILINE)
    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")}
    assert "decisions/" in starts
    for number, start in enumerate(starts):
        assert any(page.startswith(start) for page in pages), start
        assert not start.startswith(tuple(starts[:number])), start
