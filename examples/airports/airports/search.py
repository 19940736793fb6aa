"""Find airports as people type them: "zurich" finds Zürich."""

from functools import cache
from unicodedata import combining, normalize

from django.conf import settings
from django.db.models import QuerySet

from airports.models import Airport, SearchEntry

# Letters that Unicode does not decompose into a plain letter and an accent.
PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "ə": "e"})


def fold(text: str) -> str:
    """Return the text in lower case and without accents."""
    letters = normalize("NFKD", text.casefold()).translate(PLAIN)
    return "".join(letter for letter in letters if not combining(letter))


def text_of(airport: Airport) -> str:
    """Return the text by which a search finds an airport."""
    place = (airport.name, airport.city, airport.subdivision, airport.country)
    return fold(" ".join([airport.icao, airport.iata, *place]))


def find(query: str) -> QuerySet[Airport]:
    """Return one page of the airports whose text contains every word of the query."""
    entries = SearchEntry.objects.all()
    for word in fold(query).split():
        entries = entries.filter(text__contains=word)
    return Airport.objects.filter(icao__in=entries.values("icao")).order_by("icao")[: page_size()]


@cache
def page_size() -> int:
    """Return the page size of a search; a receiver clears this cache."""
    return int(settings.AIRPORTS_PAGE_SIZE)
