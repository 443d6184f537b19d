"""The night's run in parts: what failed is said, and what is published stays published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, func, insert, select

from patrol.models import Plan, PlanNight
from patrol.planning.store import find_in_force

Outcome = Literal["done", "as stored", "failed", "left out"]
NAMES: dict[str, tuple[str, str]] = {
    "results": ("热点与趋势", "hotspots and trends"),
    "forecast": ("预测", "forecast"),
    "allocation": ("时长分配", "allocation"),
    "routes": ("巡逻路线", "routes"),
    "rounds": ("视频轮巡", "camera rounds"),
    "flights": ("无人机任务", "drone missions"),
}
OUTCOMES: dict[Outcome, tuple[str, str]] = {
    "done": ("完成", "done"),
    "as stored": ("沿用已存结果", "as stored"),
    "failed": ("失败", "failed"),
    "left out": ("未执行", "left out"),
}


@dataclass(frozen=True)
class Part:
    """One part of a night.

    Attributes
    ----------
    name
        One of `NAMES`.
    message, message_zh
        What was made, or why it failed, in English and in Chinese; the Chinese is empty for
        nights that older versions kept.
    seconds
        How long it took.
    """

    name: str
    outcome: Outcome
    message: str
    seconds: float
    message_zh: str = ""

    def words(self) -> tuple[str, str]:
        """Return it as a line in Chinese and in English."""
        (zh, en), (done_zh, done_en) = NAMES[self.name], OUTCOMES[self.outcome]
        told_zh = self.message_zh or self.message
        tail = f"：{told_zh}" if told_zh else ""
        tail_en = f": {self.message}" if self.message else ""
        return f"{zh} {done_zh}{tail}", f"{en} {done_en}{tail_en}"


def night_outcome(parts: Sequence[Part]) -> Literal["complete", "partial", "failed"]:
    """Return how a night went: without hours there is no plan; without more it is a partial one."""
    failed = {part.name for part in parts if part.outcome == "failed"}
    if "allocation" in failed:
        return "failed"
    return "partial" if failed else "complete"


def write_night(
    connection: Connection, jurisdiction_id: int, parts: Sequence[Part], *, plan_date: date,
    plan_id: int | None, started_at: datetime, finished_at: datetime,
) -> int:  # fmt: skip
    """Keep how a night went, beside the plan that stands meanwhile, and tell it to the screens."""
    outcome = night_outcome(parts)
    in_force = find_in_force(connection, jurisdiction_id, day=plan_date)
    values = {
        "jurisdiction_id": jurisdiction_id, "plan_date": plan_date, "plan_id": plan_id,
        "in_force_id": in_force, "outcome": outcome, "parts": [asdict(part) for part in parts],
        "started_at": started_at, "finished_at": finished_at,
    }  # fmt: skip
    number = int(
        connection.execute(
            insert(PlanNight).values(values).returning(PlanNight.plan_night_id)
        ).scalar_one()
    )
    body = func.jsonb_build_object("plan_night_id", number, "outcome", outcome, "plan_id", plan_id)
    connection.execute(select(func.emit_event("plan", jurisdiction_id, None, None, body)))
    return number


def read_night(
    connection: Connection, jurisdiction_id: int, *, plan_id: int | None = None
) -> dict[str, Any] | None:
    """Read the newest night, or the newest that made a plan; None if there is none.

    Returns
    -------
    dict
        The columns of ``plan_night``, and ``in_force_date``: the day of the plan that stands.
    """
    in_force = select(Plan.plan_date).where(Plan.plan_id == PlanNight.in_force_id)
    query = (
        select(*PlanNight.__table__.columns, in_force.scalar_subquery().label("in_force_date"))
        .where(PlanNight.jurisdiction_id == jurisdiction_id)
        .order_by(PlanNight.plan_night_id.desc())
        .limit(1)
    )
    if plan_id is not None:
        query = query.where(PlanNight.plan_id == plan_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else dict(row)


def night_words(night: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what to tell of a night: what failed, and which plan stands."""
    parts = [Part(**part) for part in night["parts"]]
    said = [part.words() for part in parts if part.outcome == "failed"]
    if not said:
        return []
    stands = night["in_force_date"]
    if night["outcome"] == "failed":
        zh, en = "未能生成新方案", "no new plan could be made"
    else:
        zh, en = "方案不完整", "the plan is not complete"
    if stands is None:
        said.append((f"{zh}；目前没有已发布的方案", f"{en}; no plan is published at present"))
    else:
        said.append(
            (f"{zh}；{stands} 的方案仍然有效", f"{en}; the plan of {stands} stays published")
        )
    return said
