"""The one table of what each role may do."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from types import MappingProxyType


class Permission(StrEnum):
    """What a page or endpoint needs; `PUBLIC` needs nobody to be signed in."""

    PUBLIC = "public"
    SIGNED_IN = "signed-in"
    LOOKS_WRITE = "looks.write"
    MAP_READ = "map.read"
    INCIDENTS_READ = "incidents.read"
    INCIDENTS_WRITE = "incidents.write"
    CAMERAS_READ = "cameras.read"
    CAMERAS_WRITE = "cameras.write"
    CASES_APPROVE = "cases.approve"
    CASES_CHECK = "cases.check"
    CASES_DISPATCH = "cases.dispatch"
    CASES_ESCALATE = "cases.escalate"
    CASES_HANDLE = "cases.handle"
    CASES_INTAKE = "cases.intake"
    CASES_READ = "cases.read"
    CASES_REPORT = "cases.report"
    RECORDS_EXPORT = "records.export"
    RESULTS_READ = "results.read"
    PLANS_READ = "plans.read"
    PLANS_WRITE = "plans.write"
    PLANS_APPROVE = "plans.approve"
    POSTS_READ = "posts.read"
    POSTS_WRITE = "posts.write"
    TRACKS_OWN = "tracks.own"
    TRACKS_READ = "tracks.read"
    ALERTS_WRITE = "alerts.write"
    WALL_VIEW = "wall.view"
    WALL_DIRECT = "wall.direct"
    GRIDS_WRITE = "grids.write"
    JOBS_RUN = "jobs.run"
    TOKENS_OWN = "tokens.own"
    AUDIT_READ = "audit.read"
    USERS_MANAGE = "users.manage"


class Role(StrEnum):
    """What somebody does here; an account may hold several."""

    WATCH = "watch"
    PLANNER = "planner"
    DISPATCHER = "dispatcher"
    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    ANALYST = "analyst"
    CAMERA_ADMINISTRATOR = "camera-administrator"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


_P = Permission
_LOOKS = frozenset({_P.MAP_READ, _P.INCIDENTS_READ, _P.RESULTS_READ, _P.PLANS_READ})
_ALWAYS = frozenset({_P.PUBLIC, _P.SIGNED_IN})
PERMISSIONS: MappingProxyType[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.WATCH: _LOOKS
        | {_P.CAMERAS_READ, _P.CASES_READ, _P.WALL_VIEW, _P.WALL_DIRECT, _P.ALERTS_WRITE,
           _P.LOOKS_WRITE},
        Role.PLANNER: _LOOKS
        | {_P.CAMERAS_READ, _P.PLANS_WRITE, _P.WALL_VIEW, _P.JOBS_RUN, _P.GRIDS_WRITE,
           _P.POSTS_READ, _P.TOKENS_OWN},
        Role.DISPATCHER: _LOOKS
        | {_P.CAMERAS_READ, _P.WALL_VIEW, _P.ALERTS_WRITE, _P.INCIDENTS_WRITE, _P.TOKENS_OWN,
           _P.CASES_CHECK, _P.CASES_DISPATCH, _P.CASES_ESCALATE, _P.CASES_INTAKE, _P.CASES_READ,
           _P.CASES_REPORT, _P.LOOKS_WRITE, _P.POSTS_READ},
        Role.OFFICER: frozenset(
            {_P.MAP_READ, _P.PLANS_READ, _P.INCIDENTS_WRITE, _P.CASES_ESCALATE, _P.CASES_HANDLE,
             _P.CASES_READ, _P.CASES_REPORT, _P.TRACKS_OWN}
        ),
        Role.SUPERVISOR: _LOOKS
        | {_P.CASES_APPROVE, _P.CASES_CHECK, _P.CASES_DISPATCH, _P.CASES_ESCALATE, _P.CASES_INTAKE,
           _P.CASES_READ, _P.CASES_REPORT,
           _P.CAMERAS_READ, _P.WALL_VIEW, _P.PLANS_WRITE, _P.PLANS_APPROVE, _P.TRACKS_READ,
           _P.JOBS_RUN, _P.POSTS_READ, _P.POSTS_WRITE, _P.RECORDS_EXPORT, _P.TOKENS_OWN},
        Role.ANALYST: _LOOKS | {_P.JOBS_RUN, _P.TOKENS_OWN},
        Role.CAMERA_ADMINISTRATOR: frozenset(
            {_P.MAP_READ, _P.CAMERAS_READ, _P.CAMERAS_WRITE, _P.LOOKS_WRITE}
        ),
        Role.AUDITOR: frozenset({_P.AUDIT_READ}),
        Role.ADMINISTRATOR: frozenset({_P.USERS_MANAGE, _P.TOKENS_OWN}),
    }
)  # fmt: skip
# A wall screen looks and nothing else, whoever made its token.
WALL_PERMISSIONS = _LOOKS | {_P.CAMERAS_READ, _P.WALL_VIEW}
# What no token may do: these need a person at a browser.
PERSONAL = frozenset(
    {_P.USERS_MANAGE, _P.TOKENS_OWN, _P.PLANS_APPROVE, _P.AUDIT_READ, _P.RECORDS_EXPORT}
)


def permissions_of(roles: Iterable[str]) -> frozenset[Permission]:
    """Return what an account with `roles` may do; an unknown role permits nothing."""
    known = [PERMISSIONS[Role(role)] for role in roles if role in set(Role)]
    return _ALWAYS.union(*known)
