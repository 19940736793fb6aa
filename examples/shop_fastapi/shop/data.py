"""Flights between the airports of the package `airportsdata`."""

from collections.abc import Iterator
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt
from random import Random

import airportsdata

from shop.schemas import NewFlight

Row = airportsdata.Airport


def airports() -> list[Row]:
    """Return the airports with an IATA code and a city."""
    rows = airportsdata.load().values()
    return sorted((row for row in rows if row["iata"] and row["city"]), key=lambda row: row["iata"])


def flights(count: int) -> Iterator[NewFlight]:
    """Yield `count` flights, the same ones each time."""
    chance = Random(count)  # noqa: S311 - the same numbers in each run
    stops = chance.sample(airports(), count + 1)
    for place, (origin, destination) in enumerate(pairwise(stops), 100):
        yield NewFlight(
            number=f"CL{place}",
            origin=name_of(origin),
            destination=name_of(destination),
            seats=chance.randrange(40, 120),
            fare=2_000 + 9 * round(kilometres(origin, destination)),
        )


def name_of(airport: Row) -> str:
    """Return the name of an airport on a ticket."""
    return f"{airport['city']}, {airport['name']} ({airport['iata']})"


def kilometres(one: Row, other: Row) -> float:
    """Return the distance along the surface of the earth."""
    (lat, lon), (to_lat, to_lon) = (
        (radians(row["lat"]), radians(row["lon"])) for row in (one, other)
    )
    across = sin((to_lat - lat) / 2) ** 2
    across += cos(lat) * cos(to_lat) * sin((to_lon - lon) / 2) ** 2
    return 2 * 6371 * asin(sqrt(across))
