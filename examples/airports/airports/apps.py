"""The app, which connects its receivers as Django's documentation advises."""

from django.apps import AppConfig


class AirportsConfig(AppConfig):
    """Imports the receivers when the models are loaded."""

    name = "airports"

    def ready(self) -> None:
        """Connect the receivers."""
        from airports import receivers  # noqa: F401
