"""Plans: versions, edits with their cost, approval, what was done, and all files of them.

Who changes a plan sends the ETag that it was read with as ``If-Match``: two planners never
overwrite each other.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, text

from geo.errors import InputError
from patrol.planning.changes import compare_plans
from patrol.planning.cover import edit_cost
from patrol.planning.edits import MOST_EDITS, Edit, EditKind
from patrol.planning.paper import plain, plan_items_geojson
from patrol.planning.sheets import SHEET_CSS
from patrol.planning.states import Act, Status
from patrol.planning.steps import approve_plan, lock_day, publish_plan, read_head, withdraw_plan
from patrol.planning.store import Desk, find_before, list_plans, read_desk, write_version
from patrol.store import read_plan
from web.answers import GEOJSON, kept
from web.audit.log import entry_of, write_entry_of_store
from web.auth.permissions import Permission
from web.auth.principal import Identified, Principal, ScopedStore, needs
from web.errors import ForbiddenError, StaleError
from web.language import Language
from web.plans import view
from web.plans.files import FORMATS, Format, MissionForm, mission_file, plan_file
from web.plans.look import changes_table, compare_with_tracks
from web.plans.typed import balanced
from web.subject import read_about

router = APIRouter(prefix="/api/v1", tags=["plans"])
MOST_SHEETS = 300
"""In one PDF over the web: more would hold a worker for the better part of a minute."""
READS = [needs(Permission.PLANS_READ)]
WRITES = [needs(Permission.PLANS_WRITE)]
APPROVES = [needs(Permission.PLANS_APPROVE)]
PlanId = Annotated[int, Path(ge=1, lt=2**63, examples=[1])]
Words = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*\S[^\x00]*$")]
Match = Annotated[str | None, Header(max_length=200, description="The ETag it was read with.")]
Code = Annotated[str | None, Query(max_length=40, pattern=r"^[^\x00]*$")]
Day = Annotated[
    date | None, Query(description="What begins on this local day alone, of a plan of several.")
]
Small = Annotated[int, Field(ge=1, lt=2**31)]


class EditIn(BaseModel):
    """One change; what each kind needs: `set_minutes` a row, a pin its point, and so on."""

    model_config = ConfigDict(extra="forbid")

    kind: EditKind
    area_id: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    shift_no: Small | None = None
    unit_kind: Annotated[str, Field(max_length=20, pattern="^[a-z_]+$")] | None = None
    minutes: Annotated[int, Field(ge=0, le=6000)] | None = None
    mark: Annotated[str, Field(max_length=40, pattern=r"^[a-z0-9.]+$")] | None = None
    geometry: Annotated[dict[str, Any] | None, Field(description="GeoJSON: Point or Polygon.")] = (
        None
    )
    reason: Annotated[str | None, Field(max_length=2000, pattern=r"^[^\x00]*$")] = None

    def edit(self, why: str) -> Edit:
        """Return it as the desk takes it; the reason of the whole stands in for a missing one."""
        values = self.model_dump(exclude={"geometry", "reason"})
        return Edit(**values, geom=read_shape(self.geometry), reason=self.reason or why)


class EditsIn(BaseModel):
    """Changes that belong together."""

    model_config = ConfigDict(extra="forbid")

    edits: Annotated[list[EditIn], Field(min_length=1, max_length=MOST_EDITS)]
    balance: Annotated[bool, Field(description="Keep the total: the others make up.")] = False
    reason: Words


class StepIn(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    reason: Words


def read_shape(given: dict[str, Any] | None) -> BaseGeometry | None:
    """Return a GeoJSON geometry.

    Raises
    ------
    InputError
        It is none.
    """
    if given is None:
        return None
    try:
        found: BaseGeometry = shape(given)
    except Exception as error:
        raise InputError(
            f"geometry is no GeoJSON geometry: {type(error).__name__}", code="bad-shape"
        ) from error
    return found


@router.get("/plans", dependencies=READS, summary="Plans, newest first")
def show_list(
    connection: ScopedStore,
    jurisdiction: Code = None,
    day: date | None = None,
    status: Status | None = None,
    cursor: Annotated[str | None, Query(pattern=r"^\d{4}-\d\d-\d\d\.\d{1,9}$")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """List versions by day, the newest first; `next` is the cursor of the following page."""
    about = read_about(connection, jurisdiction)
    found = list_plans(
        connection, about.number, day=day, status=status, after=read_cursor(cursor), most=limit
    )
    last = found[-1] if len(found) == limit else None
    return {
        "plans": [{name: plain(value) for name, value in row.items()} for row in found],
        "next": f"{last['plan_date']}.{last['plan_id']}" if last else None,
    }


def read_cursor(cursor: str | None) -> tuple[date, int] | None:
    """Return day and plan of a cursor."""
    if cursor is None:
        return None
    day, _, number = cursor.partition(".")
    try:
        return TypeAdapter(date).validate_python(day), int(number)
    except ValueError as error:
        raise InputError("cursor: take it from `next` of an answer", code="bad-cursor") from error


@router.get("/plans/desk", dependencies=READS, summary="What a planner begins with")
def show_desk(connection: ScopedStore, lang: Language, jurisdiction: Code = None) -> dict[str, Any]:
    """Return the place, its units, the plan in force today, and how the last night went."""
    about = read_about(connection, jurisdiction)
    units = connection.execute(
        text(
            "SELECT u.unit_id, u.name, u.kind, u.headcount, u.home_station FROM unit u "
            "JOIN feed f USING (feed_id) WHERE f.jurisdiction_id = :n ORDER BY u.kind, u.name"
        ),
        {"n": about.number},
    ).mappings()
    return view.view_desk(connection, about, [dict(unit) for unit in units], lang)


@router.get("/plans/sheet.css", dependencies=[needs(Permission.PUBLIC)], include_in_schema=False)
def sheet_style() -> Response:
    """Give the style of shift sheets: the content policy allows none inside a page."""
    return Response(SHEET_CSS, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@router.get("/plans/{plan_id}", dependencies=READS, summary="One plan")
def show_plan(
    answer: Response, connection: ScopedStore, lang: Language, plan_id: PlanId
) -> dict[str, Any]:
    """Return a plan's life, marks, coverage, and numbers of what it gathers; its ETag goes back."""
    desk = read_desk(connection, plan_id)
    answer.headers["ETag"] = view.plan_tag(connection, plan_id)
    answer.headers["Cache-Control"] = "private, no-cache"
    return view.view_plan(connection, desk, lang)


@router.get("/plans/{plan_id}/areas", dependencies=READS, summary="Areas with hours and reasons",
            response_class=Response, responses={200: {"content": {GEOJSON: {}}}})  # fmt: skip
def show_areas(request: Request, connection: ScopedStore, plan_id: PlanId) -> Response:
    """Return the areas of a plan as GeoJSON, as far as the caller may see them."""
    return kept(request, plan_items_geojson(read_plan(connection, plan_id)), media_type=GEOJSON)


@router.get("/plans/{plan_id}/changes", dependencies=READS, summary="What changed")
def show_changes(
    connection: ScopedStore, lang: Language, plan_id: PlanId,
    other: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
) -> dict[str, Any]:  # fmt: skip
    """Compare with another plan, by default that of the last planned day, in figures and words.

    The first plan has nothing before it: `before` is null then, and there are no rows.
    """
    after = read_plan(connection, plan_id)
    earlier = other or find_before(connection, after.head)
    if earlier is None:
        return view.view_first(lang)
    before = read_plan(connection, earlier)
    change = compare_plans(changes_table(before), changes_table(after))
    return {"before": plain(before.head["plan_id"]), "before_day":
            plain(before.head["plan_date"]), **view.view_changes(change, lang)}  # fmt: skip


@router.post("/plans/{plan_id}/cost", dependencies=WRITES, summary="What edits would cost")
def show_cost(
    connection: ScopedStore, principal: Identified, plan_id: PlanId, given: EditsIn
) -> dict[str, Any]:
    """Return the change of expected coverage and the rows that edits lead to; nothing is kept."""
    require_everywhere(principal)
    desk = read_desk(connection, plan_id)
    _, rows = edited(desk, given, principal)
    cost = view.view_cost(edit_cost(desk.items, rows, desk.shifts, desk.cover))
    moved = rows.merge(desk.items, on=["area_id", "shift_no", "unit_kind"], how="left",
                       suffixes=("", "_old"))  # fmt: skip
    moved = moved[moved["minutes"] != moved["minutes_old"].fillna(0)]
    names = ["area_id", "shift_no", "unit_kind", "minutes"]
    return {**cost, "rows": view.frame_rows(moved[names])}


@router.post("/plans/{plan_id}/edits", dependencies=WRITES, status_code=201, summary="Edit a plan")
def edit_plan(
    request: Request, answer: Response, connection: ScopedStore, principal: Identified,
    plan_id: PlanId, given: EditsIn, if_match: Match = None,
) -> dict[str, Any]:  # fmt: skip
    """Make a new version whose parent is the plan; the plan itself stays as it is."""
    require_everywhere(principal)
    require_fresh(connection, plan_id, if_match)
    desk = read_desk(connection, plan_id)
    edits, rows = edited(desk, given, principal)
    act = Act(name_of(principal), given.reason, datetime.now(UTC))
    number = write_version(connection, desk, edits, act, rows=rows)
    log(request, connection, principal, "plan edited", number, parent=plan_id, edits=len(edits))
    answer.headers["Location"] = f"/api/v1/plans/{number}"
    return {
        "plan_id": number,
        "cost": view.view_cost(edit_cost(desk.items, rows, desk.shifts, desk.cover)),
    }


@router.post(
    "/plans/{plan_id}/{action}", dependencies=APPROVES, summary="Approve, publish, withdraw"
)
def take_step(
    request: Request, connection: ScopedStore, principal: Identified, plan_id: PlanId,
    action: Literal["approve", "publish", "withdraw"], given: StepIn, if_match: Match = None,
) -> dict[str, Any]:  # fmt: skip
    """Take a step in the caller's name, who says why."""
    require_everywhere(principal)
    require_fresh(connection, plan_id, if_match)
    act = Act(name_of(principal), given.reason, datetime.now(UTC))
    replaced = None
    if action == "approve":
        approve_plan(connection, plan_id, person=act.person, reason=act.reason, now=act.at)
    elif action == "publish":
        replaced = publish_plan(connection, plan_id, act)
    else:
        withdraw_plan(connection, plan_id, act)
    log(request, connection, principal, f"plan {action}", plan_id, replaced=replaced)
    return {"plan_id": plan_id, "replaced": replaced,
            "status": read_head(connection, plan_id)["status"]}  # fmt: skip


@router.get("/plans/{plan_id}/done", dependencies=READS, summary="Done against planned")
def show_done(connection: ScopedStore, plan_id: PlanId) -> dict[str, Any]:
    """Return minutes planned and done by area and shift; null is unknown, never zero."""
    read_head(connection, plan_id)
    return view.view_done(connection, plan_id)


@router.put("/plans/{plan_id}/done", dependencies=[needs(Permission.PLANS_WRITE)],
            summary="Set what was done beside what was planned")  # fmt: skip
def compare_done(
    request: Request, connection: ScopedStore, principal: Identified, plan_id: PlanId,
    given: StepIn,
) -> dict[str, Any]:  # fmt: skip
    """Read recorded effort of the plan's day, when it is over; places are compared, not persons."""
    require_everywhere(principal)
    act = Act(name_of(principal), given.reason, datetime.now(UTC))
    done = compare_with_tracks(connection, plan_id, act)
    log(request, connection, principal, "plan compared", plan_id)
    zh, en = done.words()
    return {"words": {"zh": zh, "en": en}, **view.view_done(connection, plan_id)}


@router.get("/plans/{plan_id}/rounds", dependencies=READS, summary="Camera rounds")
def show_rounds(connection: ScopedStore, plan_id: PlanId, day: Day = None) -> dict[str, Any]:
    """Return which cameras a desk looks at, and when."""
    return {"rounds": view.view_rounds(connection, read_desk(connection, plan_id), day=day)}


@router.get("/plans/{plan_id}/flights", dependencies=READS, summary="Drone flights")
def show_flights(
    connection: ScopedStore, lang: Language, plan_id: PlanId, day: Day = None
) -> dict[str, Any]:
    """Return drone flights, each held to the airspace rules as they are now."""
    desk = read_desk(connection, plan_id)
    return {"flights": view.view_flights(connection, desk, lang, day=day)}


@router.get("/plans/{plan_id}/files/{what}", dependencies=READS, summary="A plan as a file",
            response_class=Response,
            responses={200: {"content": {kind: {} for kind in FORMATS.values()}}})  # fmt: skip
def give_file(
    request: Request, connection: ScopedStore, principal: Identified, lang: Language,
    plan_id: PlanId, what: Format,
    unit: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None,
    day: Day = None,
    both: Annotated[bool, Query(description="Sheets in both languages.")] = False,
) -> Response:  # fmt: skip
    """Give areas, routes, calendar or shift sheets; each is noted in the log."""
    content, media_type = plan_file(
        connection, plan_id, what, lang="both" if both else lang, unit=unit, day=day,
        style_href="/api/v1/plans/sheet.css", most_sheets=MOST_SHEETS,
    )  # fmt: skip
    log(request, connection, principal, "plan exported", plan_id, what=what, unit=unit,
        day=None if day is None else day.isoformat())  # fmt: skip
    inside = what == "sheets.html"
    name = f"plan-{plan_id}-{what}" if day is None else f"plan-{plan_id}-{day}-{what}"
    headers = {} if inside else {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)


@router.get("/plans/{plan_id}/flights/{flight_id}/mission.{form}", dependencies=READS,
            summary="A flight for a ground station", response_class=Response,
            responses={200: {"content": {"application/octet-stream": {}}}})  # fmt: skip
def give_mission(
    request: Request, connection: ScopedStore, principal: Identified, plan_id: PlanId,
    flight_id: Annotated[int, Path(ge=1, lt=2**63)], form: MissionForm,
) -> Response:  # fmt: skip
    """Give a flight's mission file; refused while the airspace rules stand against it."""
    content = mission_file(connection, plan_id, flight_id, form)
    log(request, connection, principal, "mission exported", plan_id, flight=flight_id, form=form)
    headers = {"Content-Disposition": f'attachment; filename="flight-{flight_id}.{form}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)


def edited(desk: Desk, given: EditsIn, principal: Principal) -> tuple[list[Edit], Any]:
    """Return the edits and the rows that they lead to, balanced if that is wished."""
    edits = [one.edit(given.reason) for one in given.edits]
    rows = desk.edited(edits, person=name_of(principal))
    return edits, balanced(desk, rows, edits) if given.balance else rows


def require_everywhere(principal: Principal) -> None:
    """Refuse who sees a part of the ground: a plan is of the whole."""
    if not principal.scope.sees_all:
        raise ForbiddenError(
            "a plan is of the whole jurisdiction: the account needs every area", code="every-area"
        )


def require_fresh(connection: Connection, plan_id: int, if_match: str | None) -> None:
    """Refuse a change of what changed meanwhile, and let nobody else change it until the end.

    Raises
    ------
    StaleError
        The ETag is another by now.
    InputError
        None was sent.
    """
    lock_day(connection, plan_id)
    if if_match is None:
        raise InputError(
            "send If-Match with the ETag of the plan as you read it", code="no-if-match"
        )
    now = view.plan_tag(connection, plan_id)
    if now not in [tag.strip() for tag in if_match.split(",")]:
        raise StaleError(
            f"plan {plan_id} changed since you read it: load it again, then repeat",
            code="plan-changed",
        )


def name_of(principal: Principal) -> str:
    """Return the name that steps are kept under."""
    return principal.name or principal.login


def log(
    request: Request, connection: Connection, principal: Principal, action: str, plan_id: int,
    **details: Any,
) -> None:  # fmt: skip
    """Note who did what to which plan."""
    entry = entry_of(request, principal, action, about=f"plan {plan_id}", **details)
    write_entry_of_store(connection, entry)
