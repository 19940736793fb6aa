"""The airports of the world, from the package `airportsdata`."""

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from time import perf_counter

import airportsdata
from django.db import transaction

from airports.models import Airfield, Airport
from airports.signals import country_imported

Row = airportsdata.Airport


def load(limit: int | None = None) -> list[Row]:
    """Return the rows, sorted by country; a limit selects that many from all countries."""
    rows = sorted(airportsdata.load().values(), key=itemgetter("country", "icao"))
    return rows[:: -(-len(rows) // limit)] if limit else rows


def store(rows: Iterable[Row]) -> None:
    """Save the airports one by one, each country in one transaction."""
    for country, group in groupby(rows, itemgetter("country")):
        start = perf_counter()
        with transaction.atomic():
            airports = len([create(row) for row in group])
        country_imported.send(
            sender=Airport, country=country, airports=airports, seconds=perf_counter() - start
        )


def create(row: Row) -> Airport:
    """Save one airport."""
    model = Airport if row["iata"] else Airfield
    return model.objects.create(
        icao=row["icao"],
        iata=row["iata"],
        name=row["name"],
        city=row["city"],
        subdivision=row["subd"],
        country=row["country"],
        elevation=row["elevation"],
        lat=row["lat"],
        lon=row["lon"],
        tz=row["tz"],
    )
