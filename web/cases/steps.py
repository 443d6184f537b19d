"""One step of a case, for somebody: what they may do, done once, and what happened meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from geo.errors import ConflictError, InputError, NotFoundError
from geo.models.incidents import Category
from governance import queries
from governance.case_store import hold_case, take_step
from governance.cases.states import OPEN, OUTCOMES, RULES, Rule, actions_of
from governance.cases.steps import Case, Step
from governance.models.cases import CaseFile
from governance.models.departments import Department
from governance.photos import check_evidence
from web.auth.permissions import Permission
from web.auth.principal import Principal
from web.cases.clocks import ClockMemory
from web.errors import ForbiddenError, MovedOnError


@dataclass(frozen=True)
class Head:
    """What is looked at before a case is moved."""

    case_id: int
    jurisdiction_id: int
    number: str
    version: int
    state: str
    state_since: datetime


def read_head(connection: Connection, case_id: int) -> Head:
    """Read the head of a case.

    Raises
    ------
    NotFoundError
        There is none of that number, or it is not this account's to see.
    """
    columns = (
        CaseFile.case_id, CaseFile.jurisdiction_id, CaseFile.number, CaseFile.version,
        CaseFile.state, CaseFile.state_since,
    )  # fmt: skip
    row = connection.execute(select(*columns).where(CaseFile.case_id == case_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no case {case_id}", code="no-case")
    return Head(*row)


@dataclass(frozen=True)
class Done:
    """A case after a step, and whether it was done now and not before."""

    case: Case
    is_new: bool


def do_step(
    connection: Connection,
    principal: Principal,
    case_id: int,
    step: Step,
    clocks: ClockMemory,
    *,
    now: datetime | None = None,
) -> Done:
    """Do a step in the account's own name, whatever it says; the same request twice is one.

    Parameters
    ----------
    now
        The server's time where ``step.at`` comes from another clock; see `move_case`.

    Raises
    ------
    ForbiddenError
        The account may not take this step.
    MovedOnError
        The case has moved on, or may not take this step any more.
    InputError
        Something that the step needs is missing or does not exist.
    """
    may_take(principal, step.action)
    step = replace(step, actor=principal.login)
    try:
        held = hold_case(connection, case_id, step)
        _check_named(connection, held.jurisdiction_id, step)
        check_evidence(connection, case_id, step.evidence)
        clock = clocks.get(connection, held.jurisdiction_id)
        return Done(take_step(connection, held, step, clock=clock, now=now), not held.done)
    except ConflictError as error:
        raise moved_on(connection, case_id, step, error) from error


def may_take(principal: Principal, action: str) -> Rule:
    """Return the rule of an action, or refuse somebody who may not take it.

    Raises
    ------
    InputError
        There is no such action.
    ForbiddenError
        The account's roles do not include it.
    """
    rule = RULES.get(action)
    if rule is None or not rule.before:
        known = ", ".join(name for name, other in RULES.items() if other.before)
        raise InputError(f"{action!r} is no step of a case; there are {known}", code="no-step")
    if not principal.may(Permission(rule.permission)):
        msg = f"your roles do not include {rule.permission}"
        raise ForbiddenError(msg, code="not-your-role")
    return rule


def tell_actions(principal: Principal, row: Row[Any]) -> list[dict[str, Any]]:
    """Return the steps that somebody may take with a case, in the order of the table."""
    found = []
    for action in actions_of(row.state):
        rule = RULES[action]
        is_own = "other_person" in rule.needs and row.handler == principal.login
        asked = row.extension_asked_by
        unasked = "approver" in rule.needs and asked in (None, principal.login)
        bound = "unbound" in rule.needs and not row.may_object
        top = action == "escalate" and row.level == "district"
        if principal.may(Permission(rule.permission)) and not (is_own or unasked or bound or top):
            needs = sorted(rule.needs - {"other_person", "approver", "unbound"})
            found.append({"action": action, "zh": rule.zh, "en": rule.en, "needs": needs})
    return found


def tell_outcomes() -> list[dict[str, str]]:
    """Return the six outcomes that are not a case."""
    return [{"outcome": key, "zh": zh, "en": en} for key, (zh, en) in OUTCOMES.items()]


def moved_on(
    connection: Connection, case_id: int, asked: Step, error: ConflictError
) -> MovedOnError:
    """Return the conflict with what happened that the caller had not seen."""
    head = read_head(connection, case_id)
    history: Sequence[Row[Any]] = connection.execute(queries.select_history(case_id)).all()
    seen = head.version if asked.seen_version is None else asked.seen_version
    newer = [row for row in history if row.seq > seen]
    happened: list[dict[str, object]] = [
        {"seq": row.seq, "action": row.action, "zh": RULES[row.action].zh,
         "en": RULES[row.action].en, "actor": row.actor, "at": row.at.isoformat(),
         "to_state": row.to_state}
        for row in newer
    ]  # fmt: skip
    told = (_told_zh(head, asked, happened), str(error))
    return MovedOnError(told, version=head.version, state=head.state, happened=happened)


def _told_zh(head: Head, asked: Step, happened: list[dict[str, object]]) -> str:
    wish = RULES[asked.action].zh if asked.action in RULES else asked.action
    if not happened:
        may = "、".join(RULES[name].zh for name in actions_of(head.state)) or "无"  # type: ignore[arg-type]
        return f"案件{head.number}当前状态不能“{wish}”；可办：{may}"
    done = "、".join(f"{step['actor']}{step['zh']}" for step in happened)
    return f"案件{head.number}在此期间已变更（{done}），“{wish}”未执行，请查看后再办"


def _check_named(connection: Connection, jurisdiction_id: int, asked: Step) -> None:
    """Refuse a department, class or case that does not exist here."""
    if asked.department_id is not None:
        query = select(Department.jurisdiction_id).where(
            Department.department_id == asked.department_id
        )
        if connection.execute(query).scalar_one_or_none() != jurisdiction_id:
            raise InputError(
                f"there is no department {asked.department_id} here", code="no-department"
            )
    if asked.category_id is not None:
        known = select(Category.category_id).where(Category.category_id == asked.category_id)
        if connection.execute(known).scalar_one_or_none() is None:
            raise InputError(f"there is no class {asked.category_id}", code="no-class")
    if asked.merged_into is not None:
        into = read_head(connection, asked.merged_into)
        if into.state not in OPEN or into.jurisdiction_id != jurisdiction_id:
            msg = f"case {into.number} is {into.state}: nothing can be merged into it"
            raise InputError(msg, code="not-mergeable")
