"""The seed by which patrols are drawn by lot: nobody foretells it, and a draft keeps its own."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Any

from sqlalchemy import Connection

from geo.errors import NotFoundError
from patrol.store import read_newest_plan


def choose_seed(
    connection: Connection, jurisdiction_id: int, day: date, given: int | None, *, days: int = 1
) -> int:
    """Return the seed of the lot: as given, as the day's draft has it, or a new one."""
    if given is not None:
        return given
    try:
        newest = read_newest_plan(connection, jurisdiction_id, plan_date=day, days=days)
    except NotFoundError:
        return secrets.randbits(31)
    rules: dict[str, Any] = newest.head["parameters"].get("allocation", {})
    if newest.head["status"] == "draft" and "seed" in rules:
        return int(rules["seed"])
    return secrets.randbits(31)
