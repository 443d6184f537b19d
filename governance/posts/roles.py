"""The roles of a grid's team, and how many of each a basic grid needs unless a district says so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """A role in a grid.

    Attributes
    ----------
    least
        How many a basic grid needs; 0 where the role is welcome but not required.
    """

    code: str
    zh: str
    en: str
    least: int


# One leader and one full-time officer a grid; the four of "4+N"; then those of the N.
ROLES: dict[str, Role] = {
    role.code: role
    for role in (
        Role("grid_leader", "网格长", "Grid leader", 1),
        Role("grid_officer", "专职网格员", "Grid officer", 1),
        Role("instructor", "网格指导员", "Instructor", 1),
        Role("police", "社区民警", "Police officer", 1),
        Role("mediator", "调解员", "Mediator", 1),
        Role("safety", "安全员", "Safety officer", 1),
        Role("part_time_officer", "兼职网格员", "Part-time officer", 0),
        Role("volunteer", "志愿者", "Volunteer", 0),
        Role("seconded", "下沉力量", "Seconded officer", 0),
        Role("property", "物业人员", "Property manager", 0),
        Role("party_contact", "党员联户", "Household liaison", 0),
    )
}


def role_name(code: str) -> tuple[str, str]:
    """Return a role's names in Chinese and English; its code where it is of the district's own."""
    role = ROLES.get(code)
    return (role.zh, role.en) if role else (code, code)
