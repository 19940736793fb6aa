"""What requests bring, and what they are answered."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seats = Annotated[int, Field(ge=1, le=500)]


class Route(BaseModel):
    """What the airports of a flight are called."""

    origin: str
    destination: str


class NewFlight(Route):
    """A flight to be sold."""

    number: Annotated[str, Field(max_length=8)]
    seats: Seats
    fare: Annotated[int, Field(ge=0)]


class FlightOut(NewFlight):
    """A flight that is sold."""

    model_config = ConfigDict(from_attributes=True)


class FlightLeft(FlightOut):
    """A flight, and how many of its seats are left."""

    left: int


class Change(BaseModel):
    """A change of an order."""

    seats: Seats


class NewOrder(Change):
    """An order to be made."""

    customer: str
    flight: str
    extras: list[str] = []


class OrderOut(BaseModel):
    """An order that was made."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    customer: str
    flight_number: str
    seats: int
    total: int


class AuditOut(BaseModel):
    """What a request has done."""

    model_config = ConfigDict(from_attributes=True)

    request: str
    action: str
    subject: str
