"""The signals of this app."""

from airports.models import Airport
from clarion import signal


@signal
def country_imported(sender: type[Airport], *, country: str, airports: int, seconds: float) -> None:
    """All airports of a country have been imported, and committed."""
