"""The words of a command line that bash completes.

Bash splits words at a colon and at an equals sign, so `--database=sqlite:///shop.db` comes as five words. Typer takes
them as they come, and then finds neither the database nor a name such as `shop:mail`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS, INDEX = "COMP_WORDS", "COMP_CWORD"  # set by the script that Typer gives to bash

_BREAKS = {":", "="}

_kept: list[str] = []


def kept_beginning() -> str:
    """Return the beginning of the completed word that bash keeps, such as `shop:` of `shop:ma`."""
    return _kept[-1] if _kept else ""


def join_words_of_bash() -> None:
    """Give Typer the words as the user has typed them, if bash completes a command line."""
    words, current = os.environ.get(WORDS), os.environ.get(INDEX, "")
    # A script that puts spaces between the words has not split them.
    if words is None or "\n" not in words or not current.isdigit():
        return
    joined, kept = joined_words(words.split("\n"), int(current))
    os.environ[WORDS] = "\n".join(joined)
    os.environ[INDEX] = str(len(joined) - 1)
    _kept[:] = [kept]


def joined_words(words: Sequence[str], current: int) -> tuple[list[str], str]:
    """Return the words up to the completed one as the user has typed them, and what bash keeps of that one.

    Args:
        words: the words of bash.
        current: the index of the word that is completed.
    """
    joined: list[str] = []
    is_joining = False
    for word in words[:current]:
        if joined and (is_joining or word in _BREAKS):
            joined[-1] += word
        else:
            joined.append(word)
        is_joining = word in _BREAKS
    last = words[current] if current < len(words) else ""
    if joined and last in _BREAKS:  # the cursor is after it
        joined[-1] += last
        last, is_joining = "", True
    if not (joined and is_joining):
        return [*joined, last], ""
    kept = joined.pop()
    if kept.startswith("-") and "=" in kept:
        option, _, kept = kept.partition("=")
        joined.append(option)
    return [*joined, last], kept
