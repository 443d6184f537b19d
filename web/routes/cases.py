"""Cases: the list by deadline, one with its history, and each step done once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from geo.errors import InputError
from governance.cases.states import Outcome, State
from governance.cases.steps import Step
from governance.clock.deadlines import TimeLimit, TimeUnit
from web.audit.log import entry_of, write_entry_of_store
from web.auth.permissions import Permission
from web.auth.principal import Identified, ScopedStore, needs
from web.cases.clocks import ClockMemory
from web.cases.listing import MOST, Due, Wanted, count_cases, list_cases
from web.cases.steps import do_step
from web.cases.view import read_view

router = APIRouter(prefix="/api/v1", tags=["cases"])
CaseId = Annotated[int, Path(ge=1, lt=2**63, examples=[1])]
Level = Literal["grid", "community", "street", "district"]
Words = Annotated[str, Field(min_length=1, max_length=4000, pattern=r"^[^\x00]*$")]
Number = Annotated[int, Field(ge=1, lt=2**31)]
Key = Annotated[int | None, Query(ge=1, lt=2**31)]


class Limit(BaseModel):
    """How much more time."""

    value: Annotated[float, Field(gt=0, lt=10_000)]
    unit: TimeUnit


class StepIn(BaseModel):
    """One step; what each needs stands with the case's ``actions``."""

    action: Annotated[str, Field(max_length=40, pattern=r"^[a-z_]+$", examples=["receive"])]
    request_id: Annotated[UUID, Field(description="Made where the button is: twice is once.")]
    seen_version: Annotated[int | None, Field(ge=0, lt=2**31)] = None
    reason: Words | None = None
    department_id: Number | None = None
    category_id: Number | None = None
    evidence: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]],
        Field(max_length=20, description="`photo:` and its number, or a document's number."),
    ] = []
    outcome: Outcome | None = None
    satisfaction: Literal["satisfied", "neutral", "dissatisfied", "not_reached"] | None = None
    merged_into: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    limit: Limit | None = None
    level: Annotated[Level | None, Field(description="Of accept: where the case begins.")] = None
    binding: Annotated[bool, Field(description="Of dispatch: hears no objection.")] = False

    def step(self, actor: str, at: datetime, *, seen_version: int | None = None) -> Step:
        """Return it as the case takes it."""
        values = self.model_dump(exclude={"evidence", "limit", "seen_version"})
        more = TimeLimit(self.limit.value, self.limit.unit) if self.limit else None
        seen = self.seen_version if seen_version is None else seen_version
        return Step(
            **values, actor=actor, at=at, evidence=tuple(self.evidence), limit=more,
            seen_version=seen,
        )  # fmt: skip


def clocks_of(request: Request) -> ClockMemory:
    """Return the process's memory of work clocks."""
    memory: ClockMemory = request.app.state.clocks
    return memory


@router.get("/cases", dependencies=[needs(Permission.CASES_READ)], summary="Cases by deadline")
def show_list(
    request: Request,
    connection: ScopedStore,
    state: Annotated[list[State] | None, Query(max_length=20)] = None,
    level: Annotated[list[Level] | None, Query(max_length=4)] = None,
    area: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    department: Key = None,
    category: Key = None,
    due: Due | None = None,
    handler: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")] = None,
    number: Annotated[str | None, Query(max_length=40, pattern=r"^[^\x00]*$")] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> dict[str, Any]:
    """List open cases, those due first at the top; ``next`` is the cursor of the next page."""
    wanted = Wanted(
        tuple(state or ()), tuple(level or ()), area, department, category, due, handler, number,
        cursor, limit,
    )  # fmt: skip
    return list_cases(connection, wanted, clocks_of(request), now=datetime.now(UTC))


@router.get("/cases/counts", dependencies=[needs(Permission.CASES_READ)], summary="Counts by due")
def show_counts(connection: ScopedStore) -> dict[str, int]:
    """Count open cases by how near their deadline is."""
    return count_cases(connection, now=datetime.now(UTC))


@router.get("/cases/{case_id}", dependencies=[needs(Permission.CASES_READ)], summary="One case")
def show(
    request: Request,
    answer: Response,
    connection: ScopedStore,
    principal: Identified,
    case_id: CaseId,
) -> dict[str, Any]:
    """Show a case with its history, reports, photos, and what the caller may do with it."""
    view = read_view(connection, principal, case_id, clocks_of(request), now=datetime.now(UTC))
    answer.headers["ETag"] = f'"{view["version"]}"'
    return view


@router.post("/cases/{case_id}/steps", dependencies=[needs(Permission.CASES_READ)],
             summary="Take a step")  # fmt: skip
def step(
    request: Request,
    connection: ScopedStore,
    principal: Identified,
    case_id: CaseId,
    given: StepIn,
    if_match: Annotated[str | None, Header(max_length=40)] = None,
) -> dict[str, Any]:
    """Take a step once; 409 says what happened meanwhile where the caller saw an older case.

    ``If-Match`` holds the ``version`` that was seen; ``seen_version`` in the body does as well.
    """
    now = datetime.now(UTC)
    taken = given.step(principal.login, now, seen_version=_seen(if_match))
    done = do_step(connection, principal, case_id, taken, clocks_of(request))
    view = read_view(connection, principal, case_id, clocks_of(request), now=now)
    if done.is_new:
        entry = entry_of(request, principal, "case step", about=done.case.number,
                         step=given.action, version=done.case.version)  # fmt: skip
        write_entry_of_store(connection, entry)
    return view


def _seen(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isdecimal() or len(text) > 9:
        raise InputError(
            f'If-Match: {if_match!r} is no version of a case, such as "3"', code="bad-version"
        )
    return int(text)
