"""Find airports as people type them: "zurich" finds Zürich."""

from functools import cache
from unicodedata import combining, normalize

from django.conf import settings
from django.db.models import QuerySet

from airports.models import Airport, SearchEntry

# Letters that Unicode does not take apart into a plain one and an accent.
PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "ə": "e"})


def fold(text: str) -> str:
    """Take capitals and accents away."""
    letters = normalize("NFKD", text.casefold()).translate(PLAIN)
    return "".join(letter for letter in letters if not combining(letter))


def text_of(airport: Airport) -> str:
    """Return what an airport can be found by."""
    place = (airport.name, airport.city, airport.subdivision, airport.country)
    return fold(" ".join([airport.icao, airport.iata, *place]))


def find(query: str) -> QuerySet[Airport]:
    """Return the airports in whose text every word of the query is, those of one page."""
    entries = SearchEntry.objects.all()
    for word in fold(query).split():
        entries = entries.filter(text__contains=word)
    return Airport.objects.filter(icao__in=entries.values("icao")).order_by("icao")[: page_size()]


@cache
def page_size() -> int:
    """Return how many airports a search returns; a receiver forgets it when the setting changes."""
    return int(settings.AIRPORTS_PAGE_SIZE)
