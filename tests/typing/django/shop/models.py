"""The models of the app."""

from django.db import models


class Order(models.Model):
    """A row."""

    number: "models.CharField[str, str]" = models.CharField(max_length=40)
