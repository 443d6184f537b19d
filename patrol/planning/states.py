"""The life of a plan: which step leads from which status to which, and what each step needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from geo.errors import ConflictError, InputError

Status = Literal["draft", "edited", "approved", "published", "executed", "compared", "withdrawn"]
Action = Literal["draft", "edit", "approve", "publish", "execute", "compare", "withdraw"]
STATUSES: tuple[Status, ...] = (
    "draft", "edited", "approved", "published", "executed", "compared", "withdrawn",
)  # fmt: skip
# What stands between somebody and the street; at most one a jurisdiction and day.
IN_FORCE: tuple[Status, ...] = ("published", "executed", "compared")
OPEN: tuple[Status, ...] = ("draft", "edited")
# Action -> the status before ("" at birth) and after; the migration writes the same into plan_rule.
RULES: dict[Action, tuple[tuple[str, Status], ...]] = {
    "draft": (("", "draft"),),
    "edit": (("", "edited"),),
    "approve": (("draft", "approved"), ("edited", "approved")),
    "publish": (("approved", "published"),),
    "execute": (("published", "executed"),),
    "compare": (("executed", "compared"), ("compared", "compared")),
    "withdraw": tuple(
        (before, "withdrawn") for before in ("draft", "edited", "approved", "published")
    ),
}
NAMES: dict[Status, tuple[str, str]] = {
    "draft": ("草案", "draft"),
    "edited": ("已修改", "edited"),
    "approved": ("已批准", "approved"),
    "published": ("已发布", "published"),
    "executed": ("已执行", "executed"),
    "compared": ("已对照", "compared"),
    "withdrawn": ("已撤回", "withdrawn"),
}


@dataclass(frozen=True)
class Act:
    """Who takes a step, why and when.

    Attributes
    ----------
    person
        A name that others know; never blank.
    reason
        In words; never blank.
    at
        With time zone.
    """

    person: str
    reason: str
    at: datetime

    def __post_init__(self) -> None:
        if not self.person.strip() or not self.reason.strip():
            msg = "a plan is approved by a named person who gives a reason; one of them is blank"
            raise InputError(msg)
        if len(self.person) > 200 or len(self.reason) > 2000:
            raise InputError("a name has at most 200 characters, a reason at most 2,000")
        if self.at.tzinfo is None:
            raise InputError("the time of an approval needs a time zone")


def next_status(status: str, action: Action, *, plan_id: int) -> Status:
    """Return the status that an action leads to.

    Raises
    ------
    ConflictError
        The action is not allowed in this status; the message says which are.
    """
    for before, after in RULES[action]:
        if before == status:
            return after
    may = [name for name, rules in RULES.items() if any(b == status for b, _ in rules)]
    allowed = ", ".join(may) if may else "nothing"
    only = " or ".join(before for before, _ in RULES[action])
    msg = f"plan {plan_id} is {status}; only {only} plans can be {_DONE[action]} (now: {allowed})"
    raise ConflictError(msg)


_DONE: dict[Action, str] = {
    "draft": "drafted",
    "edit": "edited",
    "approve": "approved",
    "publish": "published",
    "execute": "executed",
    "compare": "compared",
    "withdraw": "withdrawn",
}
