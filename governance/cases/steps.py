"""One step of a case as a person hands it in, what it needs, and when the next stage is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from geo.errors import ConflictError, InputError
from governance.cases.states import (
    LEVEL_NAMES,
    OUTCOMES,
    RULES,
    STAGES,
    UPWARD,
    Need,
    Outcome,
    Stage,
    State,
    level_above,
    next_state,
)
from governance.clock.deadlines import Deadline, TimeLimit, WorkClock

Limits = Mapping[Stage, TimeLimit]

DEFAULT_LIMITS: Limits = MappingProxyType(
    {
        "accept": TimeLimit(2, "work_hour"),
        "dispatch": TimeLimit(2, "work_hour"),
        "receive": TimeLimit(4, "work_hour"),
        "handle": TimeLimit(5, "work_day"),
        "check": TimeLimit(1, "work_day"),
        "acknowledge": TimeLimit(4, "work_hour"),
    }
)


@dataclass(frozen=True)
class Case:
    """What a step looks at; the columns of ``case_file`` that decide.

    Attributes
    ----------
    state
        None until its first step, ``report``.
    last_at
        When its last step was done; the next cannot have been done before.
    first_department_id
        Who was sent it first, and answers for it until somebody else takes it over.
    may_object
        Whether whoever has it now may still object to the dispatch.
    """

    case_id: int
    number: str
    state: State | None
    state_since: datetime
    version: int
    level: str
    category_id: int | None = None
    department_id: int | None = None
    handler: str | None = None
    due_at: datetime | None = None
    due_provisional: bool = False
    handle_due_at: datetime | None = None
    first_due_at: datetime | None = None
    extension_asked_by: str | None = None
    first_department_id: int | None = None
    may_object: bool = True
    last_at: datetime | None = None


@dataclass(frozen=True)
class Step:
    """One action, by whom and when, with whatever it needs.

    Attributes
    ----------
    request_id
        Made where the person acts: the same step sent twice is one step.
    at
        When it was done, aware; a tablet's own time when it was offline.
    seen_version
        The step of the case that the person was looking at; None acts on whatever is there.
    limit
        Of ``grant_extension``: how much longer.
    level
        Of ``accept``: where the case begins, as the routing table proposes; None is the grid.
    binding
        Of ``dispatch``: no objection is heard any more.
    """

    action: str
    actor: str
    at: datetime
    request_id: UUID
    seen_version: int | None = None
    reason: str | None = None
    department_id: int | None = None
    category_id: int | None = None
    evidence: tuple[str, ...] = ()
    outcome: Outcome | None = None
    satisfaction: str | None = None
    merged_into: int | None = None
    limit: TimeLimit | None = None
    level: str | None = None
    binding: bool = False


@dataclass(frozen=True)
class Move:
    """What a step does to a case: all that its transition adds."""

    to_state: State
    level: str | None
    due: Deadline | None
    handle_due_at: datetime | None


def plan_move(case: Case, step: Step, *, clock: WorkClock, limits: Limits) -> Move:
    """Return what a step does to a case.

    Handling has one deadline, set by the first dispatch; rework and a second dispatch do not move
    it. A granted extension does; a suspension leaves the working time that was left; reopening and
    going up a level begin it anew, while ``first_due_at`` keeps the first. Every other stage has
    its own deadline from the moment that it begins, at each level anew. No clock runs while a
    case is suspended or ended.

    Parameters
    ----------
    limits
        Of this case's class; a stage that is not in it has no deadline.

    Raises
    ------
    InputError
        Something that the action needs is missing.
    ConflictError
        The action may not be done in this state, or not by this person.
    """
    check_step(case, step)
    to_state = next_state(step.action, case.state)
    handle_due = _handle_due(case, step, clock, limits)
    level = level_above(case.level) if step.action in UPWARD else step.level
    return Move(to_state, level, _due(case, step, to_state, clock, limits, handle_due), handle_due)


_NEEDED: dict[Need, str] = {
    "reason": "a reason in words",
    "department": "the department that shall handle it",
    "category": "a class that a person confirmed",
    "evidence": "evidence, such as a photo of the state afterwards",
    "other_person": "somebody else than the one who handled it",
    "approver": "somebody else than the one who asked, and a request",
    "outcome": f"one of the outcomes {', '.join(OUTCOMES)}",
    "case": "the case that it is merged into",
    "satisfaction": "what the caller said",
    "unbound": "a dispatch that is not binding; an objection to this one was heard already",
}


class StepNeedsError(InputError):
    """A step lacks what its action needs.

    Attributes
    ----------
    needs
        What is missing, as `governance.cases.states` names it.
    """

    code = "step-needs"

    def __init__(self, number: str, action: str, needs: Sequence[Need]) -> None:
        super().__init__(f"case {number}: {action} needs {', '.join(_NEEDED[n] for n in needs)}")
        self.needs = tuple(needs)


def check_step(case: Case, step: Step) -> None:
    """Raise if a step may not be done, or lacks what its action needs.

    Raises
    ------
    InputError, ConflictError
        As `plan_move` says.
    """
    next_state(step.action, case.state)
    if not step.actor.strip():
        raise InputError("a step needs the name of the person who does it", code="no-actor")
    if step.at.tzinfo is None:
        raise InputError("the time of a step needs a time zone", code="no-zone")
    missing = [need for need in sorted(RULES[step.action].needs) if _is_missing(need, case, step)]
    if missing:
        raise StepNeedsError(case.number, step.action, missing)
    if step.action in UPWARD and level_above(case.level) is None:
        msg = f"case {case.number} is at the top level already; it cannot go up further"
        raise ConflictError(msg, code="top-level")
    if step.level is not None and (step.action != "accept" or step.level not in LEVEL_NAMES):
        msg = f"case {case.number}: only filing sets a level, one of {', '.join(LEVEL_NAMES)}"
        raise InputError(msg, code="level-not-here")
    if step.binding and step.action != "dispatch":
        msg = f"case {case.number}: only a dispatch can be binding"
        raise InputError(msg, code="binding-not-here")
    if step.action == "grant_extension" and step.limit is None:
        msg = f"case {case.number}: say how much more time is granted, such as 2 work_day"
        raise InputError(msg, code="no-limit")


def _is_missing(need: Need, case: Case, step: Step) -> bool:
    given: dict[Need, bool] = {
        "reason": bool(step.reason and step.reason.strip()),
        "department": step.department_id is not None,
        "category": step.category_id is not None or case.category_id is not None,
        "evidence": bool(step.evidence),
        "other_person": step.actor != case.handler,
        "approver": case.extension_asked_by not in (None, step.actor),
        "outcome": step.outcome in OUTCOMES,
        "case": step.merged_into not in (None, case.case_id),
        "satisfaction": step.satisfaction is not None,
        "unbound": case.may_object,
    }
    return not given[need]


def _handle_due(case: Case, step: Step, clock: WorkClock, limits: Limits) -> datetime | None:
    if step.action == "grant_extension" and step.limit is not None:
        # From the old deadline, or from now when that has passed.
        return clock.due(max(case.handle_due_at or step.at, step.at), step.limit).at
    if step.action in UPWARD:
        return None
    begins = step.action == "reopen" or (step.action == "dispatch" and case.handle_due_at is None)
    if begins and "handle" in limits:
        return clock.due(step.at, limits["handle"]).at
    if step.action == "resume" and case.handle_due_at is not None:
        left = clock.worked(case.state_since, case.handle_due_at).total_seconds() / 3600
        return clock.due(step.at, TimeLimit(left, "work_hour")).at if left > 0 else step.at
    return case.handle_due_at


def _due(
    case: Case,
    step: Step,
    to_state: State,
    clock: WorkClock,
    limits: Limits,
    handle_due: datetime | None,
) -> Deadline | None:
    stage = STAGES.get(to_state)
    if stage is None:
        return None
    if stage == "handle" and handle_due is not None:
        return Deadline(handle_due, clock.is_provisional(step.at, handle_due))
    goes_on = case.state and STAGES.get(case.state) == stage and step.action not in UPWARD
    if goes_on and case.due_at is not None:
        return Deadline(case.due_at, case.due_provisional)  # the stage goes on
    return clock.due(step.at, limits[stage]) if stage in limits else None


def believed_time(claimed: datetime, *, last_at: datetime | None, now: datetime | None) -> datetime:
    """Return when a step counts as done: never in the future, never before the step before it.

    The clock of a tablet that was offline may be wrong; what it claims is kept beside.

    Parameters
    ----------
    now
        Of the server that takes the step in; None where the caller's own clock is the server's.
    """
    at = claimed if now is None else min(claimed, now)
    return at if last_at is None else max(at, last_at)
