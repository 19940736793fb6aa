"""Check the books that the receivers kept, by computing them in another way.

The expected contents of a book are computed from the package `airportsdata`, in Python or by
SQL. The actual contents are read by SQL.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from airports.search import fold
from airports.story import ATLANTIS
from airports.world import Row

Answers = Mapping[tuple[str, int], Sequence[str]]


@dataclass(frozen=True)
class Book:
    """The expected and the actual contents of a book."""

    name: str
    expected: Mapping[Any, Any]
    kept: Mapping[Any, Any]

    @property
    def wrong(self) -> list[Any]:
        """The keys that are missing, unexpected, or have a wrong value."""
        keys = self.expected.keys() | self.kept.keys()
        return sorted(key for key in keys if self.expected.get(key) != self.kept.get(key))


def books(rows: Sequence[Row], feet: float, answers: Answers) -> Iterator[Book]:
    """Yield every book, from the imported rows, the rise of the sea and the answers."""
    world = {row["icao"]: _today(row) for row in rows if not 0 < row["elevation"] <= feet}
    texts = {icao: fold(" ".join([icao, *row[:5]])) for icao, row in world.items()}
    yield Book("airports", world, _read(AIRPORTS))
    yield Book("search index", texts, _read("SELECT icao, text FROM airports_searchentry"))
    yield Book("tally of each country", _read(COUNTED), _read(TALLIED))
    yield Book("imports of each country", Counter(row["country"] for row in rows), _read(IMPORTED))
    yield Book("audit log", _happened(rows, feet, answers), _read(LOGGED))
    yield Book("answers to requests", {asked: _found(texts, *asked) for asked in answers}, answers)


AIRPORTS = """
    SELECT icao, iata, name, city, subdivision, country, elevation, lat, lon, tz
    FROM airports_airport
"""
COUNTED = "SELECT country, COUNT(*) FROM airports_airport GROUP BY country"
TALLIED = "SELECT country, airports FROM airports_countrytally WHERE airports <> 0"
IMPORTED = "SELECT country, imported FROM airports_countrytally WHERE imported <> 0"
LOGGED = """
    SELECT action || ' ' || subject, COUNT(*) FROM airports_auditentry GROUP BY action, subject
"""


def _read(sql: str) -> dict[Any, Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return {key: rest[0] if len(rest) == 1 else tuple(rest) for key, *rest in cursor}


def _today(row: Row) -> tuple[Any, ...]:
    country = ATLANTIS if row["tz"].startswith("Atlantic/") else row["country"]
    name, city, subdivision = (" ".join(row[key].split()) for key in ("name", "city", "subd"))
    rest = (row["elevation"], row["lat"], row["lon"], row["tz"])
    return row["iata"], name, city, subdivision, country, *rest


def _happened(rows: Sequence[Row], feet: float, answers: Answers) -> Counter[str]:
    log = Counter({"answered a request": len(answers)})
    for size in {size for _, size in answers}:
        log.update(f"set AIRPORTS_PAGE_SIZE={now}" for now in (size, settings.AIRPORTS_PAGE_SIZE))
    for row in rows:
        log[f"created {row['icao']}"] += 1
        if row["tz"].startswith("Atlantic/"):
            log[f"changed {row['icao']}"] += 1
            log[f"opened {ATLANTIS}"] = 1
        if 0 < row["elevation"] <= feet:
            log[f"deleted {row['icao']}"] += 1
        log[f"opened {row['country']}"] = log[f"imported {row['country']}"] = 1
    return log


def _found(texts: Mapping[str, str], words: str, page_size: int) -> list[str]:
    wanted = fold(words).split()
    found = (icao for icao in sorted(texts) if all(word in texts[icao] for word in wanted))
    return list(found)[:page_size]
