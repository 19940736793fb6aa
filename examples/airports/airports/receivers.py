"""The receivers. No code calls these functions directly: they are connected to signals.

Airfields are a proxy model of airports, and Django sends their signals with the proxy as
sender. So a receiver with `sender=Airport` alone would not be called for them. Clarion's
`subclasses=True` solves this.
"""

from typing import Any

from django.core.signals import request_finished, setting_changed
from django.db.models import F
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import receiver

from airports.models import Airport, AuditEntry, CountryTally, SearchEntry
from airports.search import page_size, text_of
from airports.signals import country_imported

# Before an airport is saved: tidy and validate it.


@receiver(pre_save, sender=Airport, subclasses=True)
def validate(instance: Airport, **kwargs: Any) -> None:
    """Refuse values that a form would refuse."""
    instance.clean_fields()


@receiver(pre_save, sender=Airport, subclasses=True, priority=10)
def tidy(instance: Airport, **kwargs: Any) -> None:
    """Correct blanks and capitals; the higher priority runs this before `validate`."""
    instance.icao = instance.icao.upper()
    instance.iata = instance.iata.upper()
    for field in ("name", "city", "subdivision"):
        setattr(instance, field, " ".join(getattr(instance, field).split()))


# The search index.


@receiver(post_save, sender=Airport, subclasses=True)
def index(instance: Airport, created: bool, **kwargs: Any) -> None:
    """Make the airport findable by its current name."""
    if created:
        SearchEntry.objects.create(icao=instance.icao, text=text_of(instance))
    else:
        SearchEntry.objects.filter(icao=instance.icao).update(text=text_of(instance))


@receiver(post_delete, sender=Airport, subclasses=True)
def unindex(instance: Airport, **kwargs: Any) -> None:
    """Remove the airport from the search."""
    SearchEntry.objects.filter(icao=instance.icao).delete()


@receiver(setting_changed)
def forget_page_size(setting: str, **kwargs: Any) -> None:
    """Clear the cached setting of the search."""
    if setting == "AIRPORTS_PAGE_SIZE":
        page_size.cache_clear()


# The tally of each country: a save subtracts the replaced row and adds the new one.


@receiver(pre_save, sender=Airport, subclasses=True)
def count_off_replaced(instance: Airport, **kwargs: Any) -> None:
    """Subtract the airport from its stored country, which may differ from the new one."""
    if not instance._state.adding:
        count(Airport.objects.get(icao=instance.icao).country, -1)


@receiver(post_save, sender=Airport, subclasses=True)
def count_on(instance: Airport, **kwargs: Any) -> None:
    """Add the airport to its country."""
    count(instance.country, +1)


@receiver(post_delete, sender=Airport, subclasses=True)
def count_off_deleted(instance: Airport, **kwargs: Any) -> None:
    """Subtract the airport from its country."""
    count(instance.country, -1)


def count(country: str, change: int) -> None:
    """Change a country's tally in the database, not in memory, so that no count is lost."""
    tallies = CountryTally.objects.filter(country=country)
    if not tallies.update(airports=F("airports") + change):
        CountryTally.objects.create(country=country, airports=change)


@receiver(country_imported)
def note_import(sender: type[Airport], country: str, airports: int, seconds: float) -> None:
    """Store the figures of the import. A declared signal's receiver needs no **kwargs."""
    CountryTally.objects.filter(country=country).update(imported=airports, seconds=seconds)


# The audit log.


@receiver(post_save, sender=Airport, subclasses=True)
def log_saved(instance: Airport, created: bool, **kwargs: Any) -> None:
    """Log that an airport was created or changed."""
    log("created" if created else "changed", instance.icao)


@receiver(post_delete, sender=Airport, subclasses=True)
def log_deleted(instance: Airport, **kwargs: Any) -> None:
    """Log that an airport was deleted."""
    log("deleted", instance.icao)


@receiver(post_save, sender=CountryTally)
def log_country(instance: CountryTally, created: bool, **kwargs: Any) -> None:
    """Log that a country has its first airport."""
    if created:
        log("opened", instance.country)


@receiver(country_imported)
def log_import(sender: type[Airport], country: str, airports: int, seconds: float) -> None:
    """Log that a country has been imported."""
    log("imported", country)


@receiver(request_finished)
def log_request(**kwargs: Any) -> None:
    """Log that a request was answered."""
    log("answered", "a request")


@receiver(setting_changed)
def log_setting(setting: str, value: Any, **kwargs: Any) -> None:
    """Log that a setting of this project was changed."""
    if setting.startswith("AIRPORTS_"):
        log("set", f"{setting}={value}")


def log(action: str, subject: str) -> None:
    """Write a line of the audit log."""
    AuditEntry.objects.create(action=action, subject=subject)
