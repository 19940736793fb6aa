"""Invented events that change, delete and search the airports."""

from collections.abc import Iterable

from django.db import transaction
from django.test import Client, override_settings

from airports.models import Airport

ATLANTIS = "XA"  # ISO 3166 reserves this code for private use


@transaction.atomic
def raise_atlantis() -> int:
    """Move every airport on Atlantic time to Atlantis; return how many."""
    airports = Airport.objects.filter(tz__startswith="Atlantic/")
    for airport in airports:
        airport.country = ATLANTIS
        airport.save()
    return len(airports)


@transaction.atomic
def raise_the_sea(feet: float) -> int:
    """Delete the airports below the new sea level; return how many. 0 is an unknown elevation."""
    drowned, _ = Airport.objects.filter(elevation__gt=0, elevation__lte=feet).delete()
    return drowned


def ask(words: Iterable[str], page_size: int) -> dict[tuple[str, int], list[str]]:
    """Search for each word by a request, and return the codes of the results."""
    client = Client()
    with override_settings(AIRPORTS_PAGE_SIZE=page_size):
        answers = {word: client.get("/airports/", {"q": word}).json() for word in words}
    return {
        (word, page_size): [airport["icao"] for airport in response["found"]]
        for word, response in answers.items()
    }
