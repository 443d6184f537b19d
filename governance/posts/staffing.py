"""Who covers which grid: the matrix of grids and roles, its gaps, and people with several posts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Staffing:
    """How grids are staffed on a day.

    Attributes
    ----------
    matrix
        One row a grid, indexed by ``area_id``, one column a role: how many people hold it.
    share
        The same, a person of several posts of one role counted in parts that sum to 1.
    gaps
        ``area_id``, ``code``, ``name``, ``role``, ``held``, ``least``: too few, worst first.
    doubles
        ``person_id``, ``staff_no``, ``role``, ``posts``, ``grids``: several posts of one role.
    """

    matrix: pd.DataFrame
    share: pd.DataFrame
    gaps: pd.DataFrame
    doubles: pd.DataFrame


def staff_grids(grids: pd.DataFrame, posts: pd.DataFrame, *, least: Mapping[str, int]) -> Staffing:
    """Return who covers which grid, and where somebody is missing.

    Parameters
    ----------
    grids
        ``area_id``, ``code``, ``name``, ``grid_kind``.
    posts
        Those in force: ``person_id``, ``staff_no``, ``role``, ``area_id`` of a grid.
    least
        Role -> how many every basic grid needs. Exclusive grids have their host's own staff, so
        only what is held there is shown.
    """
    roles = list(dict.fromkeys([*least, *sorted(posts["role"].unique())]))
    held = posts.drop_duplicates(["person_id", "role", "area_id"])
    parts = held.assign(part=1.0 / held.groupby(["person_id", "role"])["area_id"].transform("size"))
    index = pd.Index(grids["area_id"], name="area_id")
    matrix = _table(held.assign(part=1.0), index, roles).astype(int)
    share = _table(parts, index, roles)
    basic = grids[grids["grid_kind"] == "basic"]
    held_by = {role: matrix[role].to_dict() for role in roles}
    rows = [
        {"area_id": area, "code": code, "name": name, "role": role,
         "held": int(held_by[role][area]), "least": number}
        for area, code, name in zip(basic["area_id"], basic["code"], basic["name"], strict=True)
        for role, number in least.items()
        if held_by[role][area] < number
    ]  # fmt: skip
    gaps = pd.DataFrame(rows, columns=["area_id", "code", "name", "role", "held", "least"])
    missing = gaps["area_id"].map(gaps["area_id"].value_counts())
    gaps = gaps.assign(missing=missing).sort_values(
        ["missing", "code", "role"], ascending=[False, True, True], ignore_index=True
    )
    return Staffing(matrix, share, gaps.drop(columns="missing"), _doubles(held, grids))


def _table(held: pd.DataFrame, index: pd.Index, roles: list[str]) -> pd.DataFrame:
    counts = held.pivot_table(index="area_id", columns="role", values="part", aggfunc="sum")
    return counts.reindex(index=index, columns=roles).fillna(0.0)


def _doubles(held: pd.DataFrame, grids: pd.DataFrame) -> pd.DataFrame:
    named = held.merge(grids[["area_id", "name"]], on="area_id")
    groups = named.groupby(["person_id", "staff_no", "role"], sort=True)
    found = groups.agg(posts=("area_id", "size"), grids=("name", "、".join)).reset_index()
    return found[found["posts"] > 1].sort_values(
        ["posts", "staff_no"], ascending=[False, True], ignore_index=True
    )
