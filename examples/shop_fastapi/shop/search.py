"""Find flights as people type their airports: "zurich" finds Zürich."""

from typing import Any
from unicodedata import combining, normalize

from sqlalchemy import Select, select

from shop.models import Flight, SearchEntry

PAGE = 10

# Letters that Unicode does not decompose into a plain letter and an accent.
PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "ə": "e"})


def fold(text: str) -> str:
    """Return the text in lower case and without accents."""
    letters = normalize("NFKD", text.casefold()).translate(PLAIN)
    return "".join(letter for letter in letters if not combining(letter))


def text_of(flight: Flight) -> str:
    """Return the text by which a search finds a flight."""
    return fold(f"{flight.number} {flight.origin} {flight.destination}")


def found(query: str) -> Select[Any]:
    """Select one page of the flights whose text contains every word of the query."""
    wanted = select(SearchEntry.number)
    for word in fold(query).split():
        wanted = wanted.where(SearchEntry.text.contains(word, autoescape=True))
    return select(Flight).where(Flight.number.in_(wanted)).order_by(Flight.number).limit(PAGE)
