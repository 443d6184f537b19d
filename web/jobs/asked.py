"""What processes take: the data they read, and how the hours of a day are to be shared."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection

from patrol.allocate import AllocationParams
from patrol.allocation.day import DayRules
from patrol.drafting import DayRequest
from patrol.duty_store import DutyRequest
from web.lot import choose_seed
from web.subject import About

ShiftText = Annotated[str, Field(max_length=80, pattern=r"^[^\x00]*$")]
Kind = Annotated[str, Field(max_length=20, pattern="^[a-z_]+$")]
Hours = Annotated[float, Field(ge=0, le=100_000)]
GridCode = Annotated[str, Field(max_length=40, pattern=r"^[^\x00]*$")]


class Inputs(BaseModel):
    """What every process takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    jurisdiction: Annotated[
        str | None, Field(max_length=40, pattern=r"^[^\x00]*$", description="Its code.")
    ] = None
    until: Annotated[date | None, Field(description="Last day; default: the last incident's.")] = (
        None
    )
    weeks: Annotated[int, Field(ge=4, le=520, description="Length of the data window.")] = 26


class DayInputs(Inputs):
    """What a draft of a day takes, alone or as a part of the night."""

    hours: Annotated[
        float | None,
        Field(gt=0, le=100_000, multiple_of=0.25, examples=[120],
              description="Hours of one shift and kind; or say units, or on_duty."),
    ] = None  # fmt: skip
    shifts: Annotated[
        tuple[ShiftText, ...],
        Field(max_length=12, description="As 08:00-16:00=早班/early; none: the whole day is one.",
              examples=[["08:00-16:00", "16:00-24:00"]]),
    ] = ()  # fmt: skip
    days: Annotated[
        int, Field(ge=1, le=7, description="Days that one plan shares, from plan_date on.")
    ] = 1
    units: Annotated[
        dict[Kind, tuple[Hours, ...]],
        Field(max_length=6, description="Hours of each kind in every shift, or one for all.",
              examples=[{"foot": [40, 32]}]),
    ] = {}  # fmt: skip
    on_duty: Annotated[bool, Field(description="Kinds and hours as the calendar says.")] = False
    objective: Annotated[
        Literal["covered", "fair", "both"],
        Field(description="Need covered of all, the worst community's, or both by fairness."),
    ] = "both"
    fairness: Annotated[
        float | None,
        Field(ge=0, le=1, description="Weight of the worst community; default: by its price."),
    ] = None
    fairness_price: Annotated[
        float, Field(ge=0, le=1, description="Share of the coverage given up for it at most.")
    ] = 0.01
    surprise_share: Annotated[float, Field(ge=0, le=0.5, description="Drawn by lot.")] = 0.10
    seed: Annotated[
        int | None, Field(ge=0, lt=2**31, description="Of the lot; default: unforeseeable.")
    ] = None
    cover_h: Annotated[
        float, Field(gt=0, le=24, description="Hours in a shift that cover 63 % of its need.")
    ] = 1.0
    caution: Annotated[
        float, Field(ge=0, le=1, description="0 plans for the forecast, 1 for its upper end.")
    ] = 0.0
    method: Literal["exact", "greedy"] = "exact"
    hold_out: Annotated[
        tuple[GridCode, ...],
        Field(max_length=500, description="Grids kept at their floor to compare with."),
    ] = ()
    asked_by: Annotated[str, Field(max_length=200, description="Who holds grids out.")] = ""
    plan_date: Annotated[date | None, Field(description="Default: tomorrow.")] = None
    floor_min: Annotated[
        int | None,
        Field(ge=0, le=1440, description="Minutes of every grid; default: 30 of hours, else 15."),
    ] = None
    cap_h: Annotated[float | None, Field(gt=0, le=24, description="Most hours of a grid.")] = None
    explore_share: Annotated[
        float | None, Field(ge=0, le=1, description="Default: 0.10 of hours, else 0.05.")
    ] = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.hours is not None) + bool(self.units) + self.on_duty
        if self.hours is not None and self.days > 1:
            raise ValueError("a plan of several days is shared by units or on_duty")
        if ways != 1 or (self.hours is not None and self.shifts):
            raise ValueError("say one of hours (without shifts), units, on_duty")
        return self

    def _bounds(self) -> dict[str, Any]:
        said = {"floor_min": self.floor_min, "explore_share": self.explore_share}
        return {name: value for name, value in said.items() if value is not None}

    def whole(self) -> AllocationParams | None:
        """Return the rules of a day of one shift and kind; None where they are told apart."""
        if self.hours is None:
            return None
        return AllocationParams(total_h=self.hours, cap_h=self.cap_h, **self._bounds())

    def day(self, connection: Connection, about: About, plan_date: date) -> DayRequest | None:
        """Return what is asked of shifts and kinds; None where they are not told apart."""
        if self.hours is not None:
            return None
        weight = {"covered": 0.0, "fair": 1.0, "both": self.fairness}[self.objective]
        rules = DayRules(
            days=self.days, cap_h=self.cap_h, surprise_share=self.surprise_share,
            cover_h=self.cover_h, fairness=weight, fairness_price=self.fairness_price,
            caution=self.caution, method=self.method, hold_out=self.hold_out,
            asked_by=self.asked_by, **self._bounds(),
            seed=choose_seed(
                connection, about.number, plan_date, self.seed, days=self.days
            ),
        )  # fmt: skip
        return DayRequest(self.shifts, DutyRequest(dict(self.units)), rules)
