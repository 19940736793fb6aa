"""The airports, and three books about them that nobody writes by hand: see receivers.py."""

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
    """An airport too small for a code of IATA's."""

    class Meta:
        proxy = True


class SearchEntry(models.Model):
    """What an airport can be found by."""

    icao = models.CharField(max_length=4, primary_key=True)
    text = models.TextField()

    def __str__(self) -> str:
        return self.text


class CountryTally(models.Model):
    """How many airports a country has."""

    country = models.CharField(max_length=2, primary_key=True)
    airports = models.PositiveIntegerField(default=0)
    imported = models.PositiveIntegerField(default=0, help_text="how many came with the import")
    seconds = models.FloatField(default=0, help_text="how long that took")

    def __str__(self) -> str:
        return f"{self.country}: {self.airports}"


class AuditEntry(models.Model):
    """Something that happened."""

    at = models.DateTimeField(auto_now_add=True)
    action = models.CharField(max_length=20)
    subject = models.CharField(max_length=60)

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.action} {self.subject}"
