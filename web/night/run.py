"""One night: results, forecast, hours, routes, camera rounds and flights, each part by itself."""

from __future__ import annotations

import logging
import time as clock
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from typing import Any

import geopandas as gpd
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from analytics.nightly import NightlyParams, run_night
from analytics.outlook_store import ForecastParams, store_outlook
from analytics.queries import CubeRequest
from analytics.store import read_result
from geo.errors import GridbeatError, NotFoundError
from patrol.allocate import AllocationParams
from patrol.drafting import DayRequest, draft_day
from patrol.planning.gather import (
    GatherParams,
    MadeRoutes,
    TellShift,
    Where,
    gather_flights,
    gather_rounds,
    gather_routes,
)
from patrol.planning.nights import NAMES, Outcome, Part, night_outcome, write_night
from patrol.planning.store import Desk, read_desk
from patrol.plans import Plan
from patrol.shifts import PlanShift
from patrol.store import find_planning_level, write_plan
from web.database import packaged_sql
from web.overdue import overdue_visits
from web.refusals import Told, tell_fault, tell_work
from web.results import newest_run_ids
from web.subject import About

LOG = logging.getLogger("gridbeat.night")
Tell = Callable[[int, str], None]
Done = tuple[Outcome, Told]
MADE = {"result": "结果", "hotspots": "热点", "routes": "路线", "rounds": "轮巡", "flights": "架次"}
RECENT_WEEKS = 6
SEED = 1
# How far the work is when each part begins.
BEGINS = {"results": 2, "forecast": 30, "allocation": 55, "routes": 65, "rounds": 80, "flights": 90}
GATHERED = ("routes", "rounds", "flights")


@dataclass(frozen=True)
class NightParams:
    """What a night is asked for.

    Attributes
    ----------
    plan_date
        The day to plan.
    allocation
        Hours, floors, caps, exploration of a plan of one shift and kind; None where `day` is said.
    gather
        How routes, rounds and flights are made.
    leave_out
        Parts that are not wanted.
    day
        Shifts, kinds of unit and rules of a plan that tells them apart.
    """

    plan_date: date
    allocation: AllocationParams | None
    gather: GatherParams = field(default_factory=GatherParams)
    leave_out: frozenset[str] = frozenset()
    nightly: NightlyParams = field(default_factory=lambda: NightlyParams(forecast=None))
    day: DayRequest | None = None


@dataclass(frozen=True, eq=False)
class NightRun:
    """How a night went.

    Attributes
    ----------
    plan_id, draft
        None if no hours could be given.
    """

    parts: tuple[Part, ...]
    plan_id: int | None
    draft: Plan | None
    night_id: int

    @property
    def outcome(self) -> str:
        """Return complete, partial or failed."""
        return night_outcome(self.parts)


class Night:
    """The parts of one night on one connection; a part that fails leaves nothing behind."""

    def __init__(
        self, connection: Connection, about: About, request: CubeRequest, params: NightParams,
        *, now: datetime, tell: Tell,
    ) -> None:  # fmt: skip
        self.connection, self.about, self.request, self.params = connection, about, request, params
        self.now, self.tell = now, tell
        self.where = Where(about.number, about.srid, about.time_zone)
        self.parts: list[Part] = []
        self.draft: Plan | None = None
        self.plan_id: int | None = None

    def run(self) -> NightRun:
        """Do every part and keep how it went."""
        works: Mapping[str, Callable[[], Done]] = {
            "results": self._results, "forecast": self._forecast, "allocation": self._allocate,
            "routes": self._routes, "rounds": self._rounds, "flights": self._flights,
        }  # fmt: skip
        for name, work in works.items():
            self._attempt(name, work)
        return NightRun(tuple(self.parts), self.plan_id, self.draft, self._keep())

    def gather(self, desk: Desk) -> NightRun:
        """Make only what a stored plan gathers, anew."""
        self.plan_id = desk.plan.head["plan_id"]
        for name, work in zip(GATHERED, (self._routes, self._rounds, self._flights), strict=True):
            self._attempt(name, work)
        return NightRun(tuple(self.parts), self.plan_id, None, self._keep())

    def _keep(self) -> int:
        return write_night(
            self.connection, self.about.number, self.parts, plan_date=self.params.plan_date,
            plan_id=self.plan_id, started_at=self.now, finished_at=datetime.now(UTC),
        )  # fmt: skip

    def _attempt(self, name: str, work: Callable[[], Done]) -> None:
        since = clock.monotonic()
        self.tell(BEGINS[name], " ".join(NAMES[name]))
        try:
            if name in self.params.leave_out:
                self.parts.append(Part(name, "left out", "", 0.0))
                return
            with self.connection.begin_nested():
                outcome, told = work()
        except GridbeatError as error:
            outcome, told = "failed", tell_work(error)
        except (SQLAlchemyError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            LOG.exception("%s failed", name)
            outcome, told = "failed", tell_fault(error)
        zh, en = (words[:2000] for words in told)
        self.parts.append(Part(name, outcome, en, round(clock.monotonic() - since, 3), zh))

    def _results(self) -> Done:
        found = stored_results(self.connection, self.request, "hotspots")
        if found is not None:
            return "as stored", _made("result", found)
        night = run_night(
            self.connection, self.request, self.params.nightly, code_version=version("gridbeat")
        )
        return "done", _made("hotspots", night.run_ids["hotspots"])

    def _forecast(self) -> Done:
        stored = stored_results(self.connection, self.request, "forecast")
        if stored is not None:
            return "as stored", _made("result", stored)
        made = store_outlook(
            self.connection, self.request, ForecastParams(), level=self._level(),
            code_version=version("gridbeat"), seed=SEED,
        )  # fmt: skip
        if not made:
            zh, en = "历史过短，采用近期水平", "too little history: levels and trends are used"
            return "left out", (zh, en)
        return "done", _made("result", made["forecast"])

    def _tell_shift(self, part: str) -> TellShift:
        """Return how a part that goes shift by shift says how far it is."""
        begins, ends = BEGINS[part], min(n for n in (*BEGINS.values(), 100) if n > BEGINS[part])

        def tell(shift: PlanShift, share: float) -> None:
            words = f"{' '.join(NAMES[part])}: {shift.name_zh} {shift.name_en}"
            self.tell(round(begins + share * (ends - begins)), words)

        return tell

    def _level(self) -> str:
        day = self.params.plan_date
        return find_planning_level(self.connection, self.about.number, day=day)

    def _allocate(self) -> Done:
        draft = draft_day(
            self.connection, self._by_class(), self.about, plan_date=self.params.plan_date,
            params=self.params.allocation, recent_steps=RECENT_WEEKS, now=self.now,
            code_version=version("gridbeat"), day=self.params.day,
        )  # fmt: skip
        runs = newest_run_ids(self.connection, self.about.number)
        self.plan_id = write_plan(
            self.connection, draft, jurisdiction_id=self.about.number,
            trend_run_id=runs.get("trends"), hotspot_run_id=runs.get("hotspots"),
        )  # fmt: skip
        self.draft = draft
        hours = f"{draft.items['hours'].sum():g}"
        said = f"方案{self.plan_id}，{hours}小时", f"plan {self.plan_id}, {hours} h"
        return "done", said

    def _by_class(self) -> CubeRequest:
        request = self.request
        return CubeRequest(request.jurisdiction_id, request.start, request.end, by_class=True)

    def _desk(self) -> Desk:
        if self.plan_id is None:
            raise NotFoundError("there is no plan to make it for", code="no-plan-made")
        return read_desk(self.connection, self.plan_id)

    def _routes(self) -> Done:
        made = gather_routes(
            self.connection, self._desk(), self.where, self.params.gather,
            hotspots=read_hotspots(self.connection, self.about), code_version=version("gridbeat"),
            tell=self._tell_shift("routes"),
            overdue=lambda at: overdue_visits(self.connection, self.about.number, at=at),
        )  # fmt: skip
        return "done", describe_routes(made)

    def _rounds(self) -> Done:
        zone = self.about.zone
        window = tuple(
            datetime.combine(day, datetime.min.time(), zone)
            for day in (self.request.start, self.request.end)
        )
        made = gather_rounds(
            self.connection, self._desk(), self.where, self.params.gather,
            window=(window[0], window[1]), code_version=version("gridbeat"),
            tell=self._tell_shift("rounds"),
        )  # fmt: skip
        return "done", _made("rounds", *made)

    def _flights(self) -> Done:
        spots = hot_spots(self.connection, self.about)
        made = gather_flights(
            self.connection, self._desk(), self.where, self.params.gather, spots=spots,
            code_version=version("gridbeat"),
        )  # fmt: skip
        return "done", _made("flights", *made)


def _made(what: str, *numbers: int) -> Told:
    """Name what was made by its numbers."""
    said = ", ".join(map(str, numbers))
    return f"{MADE[what]} {said}", f"{what} {said}"


def describe_routes(made: MadeRoutes) -> Told:
    """Say which runs were made, where nobody is on duty, and where overdue cases are no musts."""
    said = [_made("routes", *made.runs)]
    if made.unmanned:
        zh = "、".join(shift.name_zh for shift in made.unmanned)
        en = ", ".join(shift.name_en for shift in made.unmanned)
        said.append((f"无单元值班：{zh}", f"no unit on duty in {en}"))
    said += [
        (
            f"{shift.name_zh}：超时案件未列为必到",
            f"{shift.name_en}: overdue cases are no musts ({why})",
        )
        for shift, why in made.loosened
    ]
    return "；".join(zh for zh, _ in said), "; ".join(en for _, en in said)


def stored_results(connection: Connection, request: CubeRequest, kind: str) -> int | None:
    """Return the newest hotspots or forecast of the same incidents by this version, if stored.

    A forecast learns from a longer window, so that its end alone has to be the same. What was
    made before the last import or report of incidents does not count.
    """
    values = {
        "place": request.jurisdiction_id, "kind": kind, "version": version("gridbeat"),
        "unit": "area" if kind == "forecast" else "cell", "end": request.end.isoformat(),
        "start": request.start.isoformat(),
    }  # fmt: skip
    found: Any = connection.exec_driver_sql(packaged_sql("night_stored"), values).scalar_one()
    return None if found is None else int(found)


def read_hotspots(connection: Connection, about: About) -> gpd.GeoDataFrame | None:
    """Read the cells of the newest hotspots; None if there are none."""
    runs = newest_run_ids(connection, about.number)
    return read_result(connection, runs["hotspots"]).rows if "hotspots" in runs else None


def hot_spots(connection: Connection, about: About) -> gpd.GeoDataFrame:
    """Return the middles of the proven hotspots, ``prize`` their z-score.

    Raises
    ------
    NotFoundError
        There are none.
    """
    rows = read_hotspots(connection, about)
    if rows is None:
        raise NotFoundError("there are no hotspots yet", code="no-hotspots")
    hot = rows[(rows["score"] > 0) & (rows["q_value"] < 0.10)]
    middles = hot.geometry.to_crs(about.srid).centroid.to_crs(4326)
    return gpd.GeoDataFrame({"prize": hot["score"].astype(float)}, geometry=middles, crs=4326)


def next_day(now: datetime, about: About) -> date:
    """Return the local day after a moment."""
    return now.astimezone(about.zone).date() + timedelta(days=1)
