"""Find flights as people type their airports: "zurich" finds Zürich."""

from typing import Any
from unicodedata import combining, normalize

from sqlalchemy import Select, select

from shop.models import Flight, SearchEntry

PAGE = 10

# Letters that Unicode does not take apart into a plain one and an accent.
PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "ə": "e"})


def fold(text: str) -> str:
    """Take capitals and accents away."""
    letters = normalize("NFKD", text.casefold()).translate(PLAIN)
    return "".join(letter for letter in letters if not combining(letter))


def text_of(flight: Flight) -> str:
    """Return what a flight can be found by."""
    return fold(f"{flight.number} {flight.origin} {flight.destination}")


def found(query: str) -> Select[Any]:
    """Select the flights in whose text every word of the query is, those of one page."""
    wanted = select(SearchEntry.number)
    for word in fold(query).split():
        wanted = wanted.where(SearchEntry.text.contains(word, autoescape=True))
    return select(Flight).where(Flight.number.in_(wanted)).order_by(Flight.number).limit(PAGE)
