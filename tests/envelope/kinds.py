"""A kind of reference for tests: records of a dictionary."""

from dataclasses import dataclass

from clarion.envelope.references import GoneError


@dataclass
class Order:
    """A record."""

    number: int | None


class Records:
    """The kind of `Order`. The rows are in `rows`."""

    name = "records"

    def __init__(self):
        self.rows: dict[int, Order] = {}
        self.sessions: list[object] = []

    def owns(self, value):
        """Own the records."""
        return isinstance(value, Order)

    def owns_class(self, kind):
        """Own their class."""
        return issubclass(kind, Order)

    def dump(self, value):
        """Return the number."""
        if value.number is None:
            raise ValueError("has no key yet")
        return {"key": value.number}

    def load(self, data, session):
        """Return the row."""
        if data.get("model") == "Unknown":
            raise LookupError("no model Unknown")
        self.sessions.append(session)
        try:
            return self.rows[data["key"]]
        except KeyError:
            raise GoneError("The order is gone.") from None

    def snapshot(self, value):
        """Return the values."""
        return {"number": value.number}

    def restore(self, data, snapshot, session):
        """Return the object as it was."""
        return Order(snapshot["number"])

    def dump_class(self, kind):
        """Return the name."""
        return kind.__qualname__

    def load_class(self, name):
        """Return the class of this name."""
        return {"Order": Order}[name]
