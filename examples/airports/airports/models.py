"""The airports, and three books about them that only receivers write: see receivers.py."""

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models


class Airport(models.Model):
    """A place where aircraft land."""

    icao = models.CharField(
        max_length=4, primary_key=True, validators=[RegexValidator(r"^[A-Z0-9_]{4}$")]
    )
    iata = models.CharField(max_length=3, blank=True)
    name = models.CharField(max_length=100)
    city = models.CharField(max_length=60, blank=True)
    subdivision = models.CharField(max_length=60, blank=True)
    country = models.CharField(max_length=2, validators=[RegexValidator(r"^[A-Z]{2}$")])
    elevation = models.FloatField(help_text="feet")
    lat = models.FloatField(validators=[MinValueValidator(-90), MaxValueValidator(90)])
    lon = models.FloatField(validators=[MinValueValidator(-180), MaxValueValidator(180)])
    tz = models.CharField(max_length=40)

    def __str__(self) -> str:
        return f"{self.icao} {self.name}"


class Airfield(Airport):
    """An airport that is too small for an IATA code."""

    class Meta:
        proxy = True


class SearchEntry(models.Model):
    """The text by which a search finds an airport."""

    icao = models.CharField(max_length=4, primary_key=True)
    text = models.TextField()

    def __str__(self) -> str:
        return self.text


class CountryTally(models.Model):
    """The number of airports of a country."""

    country = models.CharField(max_length=2, primary_key=True)
    airports = models.PositiveIntegerField(default=0)
    imported = models.PositiveIntegerField(default=0, help_text="airports of the import")
    seconds = models.FloatField(default=0, help_text="duration of the import")

    def __str__(self) -> str:
        return f"{self.country}: {self.airports}"


class AuditEntry(models.Model):
    """An event in the audit log."""

    at = models.DateTimeField(auto_now_add=True)
    action = models.CharField(max_length=20)
    subject = models.CharField(max_length=60)

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.action} {self.subject}"
