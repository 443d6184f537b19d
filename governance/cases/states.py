"""The one table of what a case may become: states, actions, who acts and what each needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast, get_args

from geo.errors import ConflictError, InputError

State = Literal[
    "reported",
    "verifying",
    "accepted",
    "dispatched",
    "received",
    "in_progress",
    "resolved",
    "checking",
    "rework",
    "returned",
    "escalated",
    "suspended",
    "closed",
    "rejected",
    "void",
    "merged",
]
Need = Literal[
    "reason",  # why, in words
    "department",  # who shall handle it
    "category",  # the class that a person confirmed
    "evidence",  # a photo or document of the state afterwards
    "other_person",  # not the one who handled it
    "approver",  # not the one who asked
    "outcome",  # which of the outcomes that are not a case
    "case",  # the case that it is merged into
    "satisfaction",  # what the caller said
    "unbound",  # a dispatch that may still be objected to
]
Stage = Literal["accept", "dispatch", "receive", "handle", "check", "acknowledge"]
Outcome = Literal["emergency", "other_route", "duplicate", "private", "not_public_duty", "illegal"]

FINAL: frozenset[State] = frozenset({"closed", "rejected", "void", "merged"})
OPEN: frozenset[State] = frozenset(set(get_args(State)) - FINAL)
# What a case's clock measures while it is in a state; in the others no clock runs.
STAGES: dict[State, Stage] = {
    "reported": "accept",
    "verifying": "accept",
    "accepted": "dispatch",
    "returned": "dispatch",
    "dispatched": "receive",
    "received": "handle",
    "in_progress": "handle",
    "rework": "handle",
    "resolved": "check",
    "checking": "check",
    "escalated": "acknowledge",
}
OUTCOMES: dict[Outcome, tuple[str, str]] = {
    "emergency": ("转110、119、120、122", "handed to 110, 119, 120 or 122"),
    "other_route": ("告知诉讼、信访等法定途径", "told the legal route it is already on"),
    "duplicate": ("重复来电，告知进展", "repeats an earlier report; told how far it is"),
    "private": ("涉密或涉隐私，解释说明", "secret or private; explained"),
    "not_public_duty": ("不属公共职责，告知其他渠道", "outside public duty; told other channels"),
    "illegal": ("内容违法，劝止", "illegal content; dissuaded"),
}


@dataclass(frozen=True)
class Rule:
    """One action on a case.

    Attributes
    ----------
    action
        What a person does.
    before
        States in which it may be done; empty for the first action of a case.
    after
        State that it leads to; None leaves the state as it is.
    permission
        What the account needs, as the table of roles names it.
    needs
        What must be given with it.
    zh, en
        The button's words.
    """

    action: str
    before: frozenset[State]
    after: State | None
    permission: str
    needs: frozenset[Need]
    zh: str
    en: str


def _rule(
    action: str,
    before: Iterable[str],
    after: State | None,
    permission: str,
    words: tuple[str, str],
    *needs: Need,
) -> Rule:
    return Rule(
        action,
        frozenset(cast("Iterable[State]", before)),
        after,
        permission,
        frozenset(needs),
        *words,
    )


_UNFILED: tuple[State, ...] = ("reported", "verifying")
_WORKING: tuple[State, ...] = ("received", "in_progress", "rework")
_ON_ITS_WAY: tuple[State, ...] = ("accepted", "dispatched", "returned", *_WORKING)

RULES: dict[str, Rule] = {
    rule.action: rule
    for rule in (
        _rule("report", (), "reported", "cases.report", ("上报", "Report")),
        _rule("verify", ("reported",), "verifying", "cases.intake", ("核实", "Verify first")),
        _rule("accept", _UNFILED, "accepted", "cases.intake", ("立案", "File"), "category"),
        _rule("reject", _UNFILED, "rejected", "cases.intake", ("不予立案", "Do not file"),
              "outcome", "reason"),
        _rule("dispatch", ("accepted", "returned"), "dispatched", "cases.dispatch",
              ("派遣", "Dispatch"), "department"),
        _rule("object", ("dispatched", "received"), "returned", "cases.handle",
              ("派单异议", "Object to the dispatch"), "reason", "unbound"),
        _rule("refuse", ("dispatched", *_WORKING), "escalated", "cases.handle",
              ("拒办", "Refuse"), "reason"),
        _rule("receive", ("dispatched",), "received", "cases.handle", ("签收", "Sign for")),
        _rule("start", ("received", "rework"), "in_progress", "cases.handle", ("开始", "Start")),
        _rule("resolve", ("in_progress",), "resolved", "cases.handle", ("处置完成", "Finish"),
              "evidence"),
        _rule("check", ("resolved",), "checking", "cases.check", ("核查", "Check"),
              "other_person"),
        _rule("rework", ("checking",), "rework", "cases.check", ("返工", "Send back"),
              "reason", "other_person"),
        _rule("close", ("checking",), "closed", "cases.check", ("结案", "Close"),
              "evidence", "other_person"),
        _rule("call_back", ("closed",), None, "cases.intake", ("回访", "Call back"),
              "satisfaction"),
        _rule("reopen", ("closed",), "rework", "cases.dispatch", ("重办", "Reopen"), "reason"),
        _rule("request_extension", _WORKING, None, "cases.handle", ("申请延期", "Ask for time"),
              "reason"),
        _rule("grant_extension", _WORKING, None, "cases.approve", ("同意延期", "Grant more time"),
              "reason", "approver"),
        _rule("deny_extension", _WORKING, None, "cases.approve", ("不同意延期", "Deny more time"),
              "reason", "approver"),
        _rule("suspend", _WORKING, "suspended", "cases.approve", ("挂账", "Suspend"), "reason",
              "other_person"),
        _rule("resume", ("suspended",), "in_progress", "cases.approve", ("恢复", "Resume"),
              "reason"),
        _rule("escalate", (*_ON_ITS_WAY, "escalated"), "escalated", "cases.escalate",
              ("上报上级", "Escalate"), "reason"),
        _rule("acknowledge", ("escalated",), "accepted", "cases.dispatch",
              ("上级签收", "Acknowledge")),
        _rule("merge", (*_UNFILED, *_ON_ITS_WAY), "merged", "cases.intake", ("并案", "Merge"),
              "case", "reason"),
        _rule("void", (*_UNFILED, *_ON_ITS_WAY, "suspended"), "void", "cases.approve",
              ("作废", "Void"), "reason"),
    )
}  # fmt: skip
# Actions by which a case goes up one level.
UPWARD = frozenset({"escalate", "refuse"})
LEVELS_UP = {"grid": "community", "community": "street", "street": "district"}
LEVEL_NAMES: dict[str, tuple[str, str]] = {
    "grid": ("网格", "Grid"),
    "community": ("社区", "Community"),
    "street": ("街道", "Street"),
    "district": ("区级", "District"),
}


def next_state(action: str, state: State | None) -> State:
    """Return the state that an action leads to.

    Parameters
    ----------
    state
        Where the case is; None before its first action.

    Raises
    ------
    InputError
        There is no such action.
    ConflictError
        It may not be done in this state; the message says what may.
    """
    rule = RULES.get(action)
    if rule is None:
        msg = f"{action!r} is no action on a case; there are {', '.join(RULES)}"
        raise InputError(msg, code="no-step")
    allowed = state in rule.before if state is not None else not rule.before
    if not allowed:
        may = ", ".join(actions_of(state)) or "nothing more"
        msg = f"a case that is {state or 'not reported yet'} cannot {action}; it may: {may}"
        raise ConflictError(msg, code="wrong-state")
    return rule.after or state  # type: ignore[return-value] # only rules with a before stay


def actions_of(state: State | None) -> tuple[str, ...]:
    """Return what may be done with a case in a state, in the table's order."""
    return tuple(
        action
        for action, rule in RULES.items()
        if (state in rule.before if state is not None else not rule.before)
    )


def level_above(level: str) -> str | None:
    """Return the level that a case goes up to; None from the top."""
    return LEVELS_UP.get(level)
