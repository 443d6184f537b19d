"""Steps in the life of stored plans: approved, published, withdrawn, done. Never commits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import DBAPIError

from geo.errors import ConflictError, NotFoundError
from patrol import queries
from patrol.models import Plan, PlanStep
from patrol.planning.states import IN_FORCE, Act, Action, next_status


def write_step(connection: Connection, plan_id: int, action: Action, act: Act) -> None:
    """Note a step; the database moves the plan on, or refuses.

    Raises
    ------
    ConflictError
        The step is not allowed now, or somebody else was faster.
    NotFoundError
        There is no such plan.
    """
    head = read_head(connection, plan_id)
    done = connection.execute(
        select(func.coalesce(func.max(PlanStep.seq), 0)).where(PlanStep.plan_id == plan_id)
    ).scalar_one()
    before = head["status"] if done else ""
    after = head["status"] if not done else next_status(before, action, plan_id=plan_id)
    values = {
        "plan_id": plan_id, "seq": done + 1, "action": action, "from_status": before or None,
        "to_status": after, "actor": act.person.strip(), "reason": act.reason.strip(),
        "at": act.at,
    }  # fmt: skip
    try:
        with connection.begin_nested():
            connection.execute(insert(PlanStep).values(values))
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state in ("GB409", "23505"):
            raise ConflictError(_message(error)) from error
        raise


def approve_plan(
    connection: Connection, plan_id: int, *, person: str, reason: str, now: datetime
) -> None:
    """Approve the newest version of a day in a person's name, who says why.

    Raises
    ------
    InputError
        The person or the reason is blank, or `now` has no time zone.
    ConflictError
        The plan is no draft any more, or a newer version of it exists.
    NotFoundError
        There is none of that number.
    """
    act = Act(person, reason, now)
    head = lock_day(connection, plan_id)
    require_newest(connection, head)
    write_step(connection, plan_id, "approve", act)


def publish_plan(connection: Connection, plan_id: int, act: Act) -> int | None:
    """Publish an approved plan; the one that was published for its day before is withdrawn.

    Returns
    -------
    int or None
        Number of the plan that it replaces.

    Raises
    ------
    ConflictError
        It is not approved, or what it would replace was executed already.
    """
    head = lock_day(connection, plan_id)
    next_status(head["status"], "publish", plan_id=plan_id)
    replaced = connection.execute(
        select(Plan.plan_id, Plan.status)
        .where(Plan.jurisdiction_id == head["jurisdiction_id"])
        .where(Plan.plan_date == head["plan_date"], Plan.days == head["days"])
        .where(Plan.status.in_(IN_FORCE))
    ).one_or_none()
    if replaced is not None:
        if replaced.status != "published":
            raise ConflictError(
                f"plan {replaced.plan_id} of {head['plan_date']} is {replaced.status}: a day that "
                "was worked through keeps its plan"
            )
        why = f"plan {plan_id} (version {head['version']}) replaces it 由其替代: {act.reason}"
        write_step(connection, replaced.plan_id, "withdraw", Act(act.person, why[:2000], act.at))
    write_step(connection, plan_id, "publish", act)
    return None if replaced is None else int(replaced.plan_id)


def withdraw_plan(connection: Connection, plan_id: int, act: Act) -> None:
    """Withdraw a plan that was not executed; its version stays."""
    lock_day(connection, plan_id)
    write_step(connection, plan_id, "withdraw", act)


def lock_day(connection: Connection, plan_id: int) -> dict[str, Any]:
    """Wait until nobody else changes plans of the day, and return the plan as it is then."""
    head = read_head(connection, plan_id)
    connection.execute(queries.lock_plans(head["jurisdiction_id"], head["plan_date"]))
    return read_head(connection, plan_id)


def require_newest(connection: Connection, head: Mapping[str, Any]) -> None:
    """Refuse a version that a newer one of its day replaced.

    Raises
    ------
    ConflictError
        Naming the newer one.
    """
    newest = connection.execute(
        queries.select_newest_plan(
            head["jurisdiction_id"], plan_date=head["plan_date"], days=head["days"]
        )
    ).one()
    if newest.plan_id != head["plan_id"]:
        msg = (
            f"plan {head['plan_id']} is version {head['version']} of {head['plan_date']}, and "
            f"version {newest.version} replaced it; approve plan {newest.plan_id} or draft anew"
        )
        raise ConflictError(msg)


def read_head(connection: Connection, plan_id: int) -> dict[str, Any]:
    """Read the columns of a plan.

    Raises
    ------
    NotFoundError
        There is none of that number.
    """
    head = connection.execute(queries.select_plan(plan_id)).mappings().one_or_none()
    if head is None:
        msg = f"there is no plan {plan_id}; run `gridbeat plan` to draft one"
        raise NotFoundError(msg)
    return dict(head)


def read_steps(connection: Connection, plan_id: int) -> list[dict[str, Any]]:
    """Read the steps of a plan in order."""
    columns = [column for column in PlanStep.__table__.columns if column.name != "plan_id"]
    query = select(*columns).where(PlanStep.plan_id == plan_id).order_by(PlanStep.seq)
    return [dict(row) for row in connection.execute(query).mappings()]


def _message(error: DBAPIError) -> str:
    diag = getattr(error.orig, "diag", None)
    return str(getattr(diag, "message_primary", None) or error.orig)
