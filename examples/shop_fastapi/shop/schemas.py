"""The bodies of requests and responses."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seats = Annotated[int, Field(ge=1, le=500)]


class Route(BaseModel):
    """The names of a flight's airports."""

    origin: str
    destination: str


class NewFlight(Route):
    """A new flight."""

    number: Annotated[str, Field(max_length=8)]
    seats: Seats
    fare: Annotated[int, Field(ge=0)]


class FlightOut(NewFlight):
    """A flight on sale."""

    model_config = ConfigDict(from_attributes=True)


class FlightLeft(FlightOut):
    """A flight and the number of its free seats."""

    left: int


class Change(BaseModel):
    """A change of an order."""

    seats: Seats


class NewOrder(Change):
    """A new order."""

    customer: str
    flight: str
    extras: list[str] = []


class OrderOut(BaseModel):
    """An existing order."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    customer: str
    flight_number: str
    seats: int
    total: int


class AuditOut(BaseModel):
    """An action of a request."""

    model_config = ConfigDict(from_attributes=True)

    request: str
    action: str
    subject: str
