"""What never happened to the airports of the world, so that rows change, go and are asked for."""

from collections.abc import Iterable

from django.db import transaction
from django.test import Client, override_settings

from airports.models import Airport

ATLANTIS = "XA"  # ISO 3166 leaves it to whoever needs it


@transaction.atomic
def raise_atlantis() -> int:
    """Give every airport on Atlantic time to Atlantis; return how many."""
    airports = Airport.objects.filter(tz__startswith="Atlantic/")
    for airport in airports:
        airport.country = ATLANTIS
        airport.save()
    return len(airports)


@transaction.atomic
def raise_the_sea(feet: float) -> int:
    """Delete every airport that drowns, unless its elevation is unknown, 0; return how many."""
    drowned, _ = Airport.objects.filter(elevation__gt=0, elevation__lte=feet).delete()
    return drowned


def ask(words: Iterable[str], page_size: int) -> dict[tuple[str, int], list[str]]:
    """Search for each word by a request, and return the codes found."""
    client = Client()
    with override_settings(AIRPORTS_PAGE_SIZE=page_size):
        answers = {word: client.get("/airports/", {"q": word}).json() for word in words}
    return {
        (word, page_size): [airport["icao"] for airport in response["found"]]
        for word, response in answers.items()
    }
