"""The words of a command line that bash completes."""

import os

import pytest

from clarion.cli.bash_words import join_words_of_bash, joined_words, kept_beginning


@pytest.mark.parametrize(
    ("words", "joined", "kept"),
    [
        ("clarion ls sh", "clarion ls sh", ""),
        ("clarion -d sqlite : ///s.db x", "clarion -d sqlite:///s.db x", ""),
        ("clarion --database = sqlite : ///s.db x", "clarion --database=sqlite:///s.db x", ""),
        ("clarion -r shop : ma", "clarion -r ma", "shop:"),
        ("clarion -r shop :", "clarion -r ", "shop:"),
        ("clarion --receiver = shop : ma", "clarion --receiver ma", "shop:"),
        ("clarion --signal = pa", "clarion --signal pa", ""),
        ("clarion --signal =", "clarion --signal ", ""),
    ],
)
def test_words_are_joined(words, joined, kept):
    """Words are those that the user has typed; an option with an equals sign is a word before its value."""
    given = words.split(" ")
    assert joined_words(given, len(given) - 1) == (joined.split(" "), kept)


def test_an_empty_word_at_the_end_may_be_missing():
    """Bash drops it, and counts it."""
    assert joined_words(["clarion", "ls"], 2) == (["clarion", "ls", ""], "")


def test_the_environment_is_corrected(monkeypatch):
    """Typer reads the words in the environment. Another shell sets none."""
    join_words_of_bash()
    assert "COMP_WORDS" not in os.environ
    monkeypatch.setenv("COMP_WORDS", "clarion\nshow\n-d\nsqlite\n:\n///s.db\n")
    monkeypatch.setenv("COMP_CWORD", "6")
    join_words_of_bash()
    assert os.environ["COMP_WORDS"] == "clarion\nshow\n-d\nsqlite:///s.db\n"
    assert (os.environ["COMP_CWORD"], kept_beginning()) == ("4", "")
