"""What a tablet notes while it is away: reports, steps, arrivals, departures, duty."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from governance.cases.states import Outcome
from governance.clock.deadlines import TimeLimit, TimeUnit

NUL_FREE = r"^[^\x00]*$"
Words = Annotated[str, Field(min_length=1, max_length=4000, pattern=NUL_FREE)]
Number = Annotated[int, Field(ge=1, lt=2**31)]
Key = Annotated[int, Field(ge=1, lt=2**63)]
Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Accuracy = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]


class Noted(BaseModel):
    """What every entry has.

    ``at`` is the device's own clock, set right by how far that is off when the batch comes in.
    """

    entry_id: Annotated[UUID, Field(description="Made on the device; sent twice it is done once.")]
    sequence: Annotated[int, Field(ge=0, lt=2**53)]
    at: AwareDatetime


class ReportNoted(Noted):
    """A find of an officer; the entry's number becomes the report's."""

    kind: Literal["report"]
    words: Words
    lon: Lon
    lat: Lat
    accuracy_m: Accuracy | None = None
    category_id: Number | None = None
    address: Annotated[str, Field(max_length=300, pattern=NUL_FREE)] | None = None


class LimitNoted(BaseModel):
    """How much more time."""

    value: Annotated[float, Field(gt=0, lt=10_000)]
    unit: TimeUnit

    def limit(self) -> TimeLimit:
        """Return it as the clock takes it."""
        return TimeLimit(self.value, self.unit)


class StepNoted(Noted):
    """A step of a case; the entry's number becomes the request's."""

    kind: Literal["step"]
    case_id: Key
    action: Annotated[str, Field(max_length=40, pattern=r"^[a-z_]+$", examples=["receive"])]
    seen_version: Annotated[int, Field(ge=0, lt=2**31)]
    reason: Words | None = None
    evidence: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200, pattern=NUL_FREE)]],
        Field(max_length=20),
    ] = []
    outcome: Outcome | None = None


class ArriveNoted(Noted):
    """An arrival at a stop of a route; the entry's number becomes the visit's.

    Where the device was serves to measure how far off that is, and is not kept.
    """

    kind: Literal["arrive"]
    route_id: Key
    ordinal: Annotated[int, Field(ge=1, lt=2**31)]
    lon: Lon | None = None
    lat: Lat | None = None


class LeaveNoted(Noted):
    """A departure from a stop."""

    kind: Literal["leave"]
    visit_id: UUID


class DutyNoted(Noted):
    """Going on duty or off it."""

    kind: Literal["duty"]
    on: bool


Entry = Annotated[
    ReportNoted | StepNoted | ArriveNoted | LeaveNoted | DutyNoted, Field(discriminator="kind")
]


class Batch(BaseModel):
    """Entries of one device in the order in which they were made."""

    device_id: UUID
    sent_at: Annotated[AwareDatetime, Field(description="The device's own clock at sending.")]
    entries: Annotated[list[Entry], Field(max_length=100)]
