"""The demo district's plan of today, approved by a simulated planner, where its data end today."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, text

from patrol.allocate import AllocationParams
from patrol.planning.states import Act
from patrol.planning.steps import approve_plan, publish_plan
from web.commands.plan import Wanted, run_night_now
from web.subject import About

PERSON = "模拟规划员 simulated planner"
REASON = "模拟方案，供大屏对照 simulated, to be held against what is done"


def plan_today(
    connection: Connection, about: About, *, hours: float, weeks: int, now: datetime,
    say: Callable[[str, str], None],
) -> None:  # fmt: skip
    """Plan the day that is running and publish it, once: the wall shows it beside what is done."""
    day = now.astimezone(about.zone).date()
    there = connection.execute(
        text("SELECT FROM plan WHERE jurisdiction_id = :place AND plan_date = :day LIMIT 1"),
        {"place": about.number, "day": day},
    ).first()
    if there is not None:
        say("plan of today 今日方案", "as before 与上次相同")
        return
    params = AllocationParams(total_h=hours)
    wanted = Wanted(about.code, None, weeks, day, params, frozenset())
    night, _, _ = run_night_now(connection, wanted, lambda _: None)
    if night.plan_id is None:
        say("plan of today 今日方案", "; ".join(" ".join(part.words()) for part in night.parts))
        return
    approve_plan(connection, night.plan_id, person=PERSON, reason=REASON, now=now)
    publish_plan(connection, night.plan_id, Act(PERSON, REASON, now))
    made = ", ".join(part.message for part in night.parts if part.name in ("routes", "flights"))
    say("plan of today 今日方案", f"{night.plan_id}, published 已发布 ({PERSON}); {made}")
