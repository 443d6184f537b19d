"""The one table of what can be asked for as a job, with its inputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Annotated, Any

from pydantic import BaseModel, Field
from sqlalchemy import Connection

from analytics.answers import SEED
from analytics.density import DensityParams
from analytics.nightly import NightlyParams, run_night
from analytics.outlook_store import ForecastParams, store_outlook
from analytics.queries import CubeRequest
from analytics.store import Origin, write_listing
from geo.errors import NotFoundError
from geo.visibility.cameras import LookParams
from patrol.camera_survey import (
    SurveyRequest,
    blind_listing,
    read_survey,
    survey_blind_spots,
    survey_coverage,
)
from patrol.coverage.blind_spots import BlindParams
from patrol.coverage.three_sources import CoverageParams
from patrol.coverage_store import report_coverage
from patrol.drafting import draft_day
from patrol.store import write_plan
from patrol.watched import watch_place
from web.auth.permissions import Permission
from web.jobs.asked import DayInputs, Inputs
from web.night.jobs import GatherInputs, NightInputs, gather_again, run_whole
from web.night.replanning import ReplanInputs, replan_as_asked
from web.results import newest_run_ids
from web.subject import About, data_window, read_about

Tell = Callable[[int, str], None]
RECENT_WEEKS = 6


class HotspotInputs(Inputs):
    """What a search for hotspots takes."""

    cell_m: Annotated[float, Field(ge=50, le=2000, description="Cell size in metres.")] = 100.0


class ForecastInputs(Inputs):
    """What a forecast takes."""

    history_weeks: Annotated[int, Field(ge=14, le=520, description="What is learnt from.")] = 104


class BlindInputs(Inputs):
    """What a survey of cameras takes."""

    cell_m: Annotated[float, Field(ge=20, le=500, description="Cell size in metres.")] = 50.0
    spacing_m: Annotated[float, Field(ge=2, le=50, description="Of points on the ground.")] = 5.0
    top: Annotated[int, Field(ge=1, le=5000, description="Most blind spots.")] = 200


@dataclass(frozen=True)
class Process:
    """Something that can be asked for.

    Attributes
    ----------
    run
        Does it on a connection that sees everything, tells how far it is, and returns what the
        result says; it never commits, so that a killed one leaves nothing.
    """

    name: str
    title_zh: str
    title_en: str
    inputs: type[BaseModel]
    run: Callable[[Connection, Any, datetime, Tell], dict[str, Any]]
    permission: Permission


def find_hotspots(
    connection: Connection, given: HotspotInputs, now: datetime, tell: Tell
) -> dict[str, Any]:
    """Count, find hotspots, density and trends, and store them."""
    del now
    about, request = _request(connection, given)
    tell(10, f"{request.start} .. {request.last_day}")
    density = DensityParams(bandwidth_m=max(400.0, 2 * given.cell_m))
    params = NightlyParams(cell_size_m=given.cell_m, density=density)
    night = run_night(connection, request, params, code_version=version("gridbeat"))
    tell(95, "stored")
    return {"jurisdiction": about.code, "result_runs": dict(night.run_ids)}


def make_forecast(
    connection: Connection, given: ForecastInputs, now: datetime, tell: Tell
) -> dict[str, Any]:
    """Forecast the week after the data by grid and class, and store it."""
    del now
    about, request = _request(connection, given, by_class=True)
    tell(10, f"{request.start} .. {request.last_day}")
    runs = store_outlook(
        connection, request, ForecastParams(history_weeks=given.history_weeks), level="grid",
        code_version=version("gridbeat"), seed=SEED,
    )  # fmt: skip
    if not runs:
        raise NotFoundError(
            "the data are too few to forecast from: 14 weeks or more are needed", code="few-weeks"
        )
    return {"jurisdiction": about.code, "result_runs": runs}


def survey_cameras(
    connection: Connection, given: BlindInputs, now: datetime, tell: Tell
) -> dict[str, Any]:
    """Find what cameras see and miss; store the blind spots as a result."""
    del now
    about = read_about(connection, given.jurisdiction)
    start, end = data_window(connection, about, until=given.until, weeks=given.weeks)
    asked = SurveyRequest(about.number, about.srid, about.time_zone, start, end, given.spacing_m)
    tell(10, f"{start} .. {end}")
    survey = read_survey(connection, asked, LookParams())
    tell(60, "seen")
    params = BlindParams(top=given.top)
    spots = survey_blind_spots(survey, cell_size_m=given.cell_m, params=params)
    number = write_listing(
        connection,
        blind_listing(spots, asked, cell_m=given.cell_m, params=params),
        Origin(CubeRequest(about.number, start, end), version("gridbeat"), seed=SEED),
    )
    grids = survey_coverage(survey).drop(columns="geometry", errors="ignore")
    return {
        "jurisdiction": about.code, "result_runs": {"blind_spots": number}, "spots": len(spots),
        "grids": json.loads(grids.to_json(orient="records")),
    }  # fmt: skip


def draft_plan(
    connection: Connection, given: DayInputs, now: datetime, tell: Tell
) -> dict[str, Any]:
    """Draft a day's plan and store it; a person approves it."""
    about, request = _request(connection, given, by_class=True)
    tell(10, f"{request.start} .. {request.last_day}")
    tomorrow = now.astimezone(about.zone).date() + timedelta(days=1)
    plan_date = given.plan_date or tomorrow
    draft = draft_day(
        connection, request, about, plan_date=plan_date, params=given.whole(),
        recent_steps=RECENT_WEEKS, now=now, code_version=version("gridbeat"),
        day=given.day(connection, about, plan_date),
    )  # fmt: skip
    tell(80, "drafted")
    runs = newest_run_ids(connection, about.number)
    number = write_plan(
        connection, draft, jurisdiction_id=about.number, trend_run_id=runs.get("trends"),
        hotspot_run_id=runs.get("hotspots"),
    )  # fmt: skip
    return {"jurisdiction": about.code, "plan": number}


def _request(
    connection: Connection, given: Inputs, *, by_class: bool = False
) -> tuple[About, CubeRequest]:
    about = read_about(connection, given.jurisdiction)
    start, end = data_window(connection, about, until=given.until, weeks=given.weeks)
    return about, CubeRequest(about.number, start, end, by_class=by_class)


class CoverageInputs(Inputs):
    """What the three-source map takes."""

    days: Annotated[float, Field(ge=1, le=366, description="A look longer ago is stale.")] = 28.0


def map_coverage(
    connection: Connection, given: CoverageInputs, now: datetime, tell: Tell
) -> dict[str, Any]:
    """Find what nobody saw, and the protection index, and store both."""
    about, request = _request(connection, given)
    tell(10, f"{request.start} .. {request.last_day}")
    report = report_coverage(
        connection, watch_place(connection, about.code, now=now),
        window=(request.start, request.end), now=now,
        params=CoverageParams(within_days=given.days), code_version=version("gridbeat"),
    )  # fmt: skip
    tell(95, "stored")
    spots = report.spots.drop(columns="geometry").head(20)
    return {
        "jurisdiction": about.code, "result_runs": report.run_ids,
        "unseen_share": float((report.coverage.label == "unseen").mean()),
        "spots": [
            {"rank": row["rank"], **_area(row["area_id"]), "need": round(row["need"], 3),
             "unseen_m2": round(row["unseen_m2"]), "reason_zh": row["reason_zh"],
             "reason_en": row["reason_en"]}
            for row in spots.to_dict("records")
        ],
    }  # fmt: skip


def _area(area_id: int) -> dict[str, Any]:
    """Return a spot's grid, or null and why it has none."""
    if area_id:
        return {"area_id": area_id, "no_area_zh": None, "no_area_en": None}
    return {"area_id": None, "no_area_zh": "不在任何网格内", "no_area_en": "lies in no grid"}


PROCESSES: tuple[Process, ...] = (
    Process(
        "hotspots", "热点与趋势", "Hotspots, density and trends", HotspotInputs, find_hotspots,
        Permission.JOBS_RUN,
    ),
    Process(
        "coverage", "三源覆盖与死角", "Three-source coverage and blind spots", CoverageInputs,
        map_coverage, Permission.JOBS_RUN,
    ),
    Process(
        "forecast", "预测下一周", "Forecast of the next week", ForecastInputs, make_forecast,
        Permission.JOBS_RUN,
    ),
    Process(
        "blind_spots", "视频覆盖与盲区", "What cameras cover and miss", BlindInputs,
        survey_cameras,
        Permission.JOBS_RUN,
    ),
    Process(
        "plan", "起草巡逻计划", "Draft a patrol plan", DayInputs, draft_plan,
        Permission.PLANS_WRITE,
    ),
    Process(
        "night", "夜间运行：从结果到草案", "The whole night, from results to a draft", NightInputs,
        run_whole, Permission.PLANS_WRITE,
    ),
    Process(
        "plan_ways", "方案的路线、轮巡与航线", "Routes, camera rounds and flights of a plan",
        GatherInputs, gather_again, Permission.PLANS_WRITE,
    ),
    Process(
        "replan", "班中重新规划路线", "The rest of a shift anew around an incident", ReplanInputs,
        replan_as_asked, Permission.PLANS_WRITE,
    ),
)  # fmt: skip


def find_process(name: str) -> Process:
    """Return the process of that name.

    Raises
    ------
    NotFoundError
        There is none.
    """
    found = next((item for item in PROCESSES if item.name == name), None)
    if found is None:
        names = ", ".join(item.name for item in PROCESSES)
        raise NotFoundError(f"there is no process {name[:60]!r}; there are {names}")
    return found
