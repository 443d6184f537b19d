"""What was done beside what was planned, by area, shift and means; never by person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from geo.errors import InputError

KEY = ["area_id", "shift_no", "source"]
# By what the hours of a kind of unit are recorded; volunteers carry tablets, teams drive.
SOURCE_OF_KIND = {
    "foot": "foot", "volunteer": "foot", "vehicle": "vehicle", "joint": "vehicle",
    "drone": "drone", "camera_desk": "camera",
}  # fmt: skip
SOURCE_WORDS = {
    "any": ("各方式", "by any means"), "foot": ("步巡", "on foot"),
    "vehicle": ("车巡", "by vehicle"), "drone": ("无人机", "by drone"),
    "camera": ("视频", "by camera"),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Done:
    """Planned and done minutes.

    Attributes
    ----------
    rows
        One row an area, shift and means: ``area_id``, ``shift_no``, ``source``, ``planned_min``,
        ``done_min`` (NaN where nobody knows), ``short_min`` (planned but not done, NaN likewise).
    planned_min
        In all, and of that in rows whose doing is known: `known_planned_min`.
    done_min, met_min
        Done in all that is known, and of that no more than was planned there: minutes elsewhere
        do not make up for a place that nobody came to.
    unknown
        Rows with hours planned whose doing nobody knows.
    """

    rows: pd.DataFrame
    planned_min: float
    known_planned_min: float
    done_min: float
    met_min: float
    unknown: int

    @property
    def met_share(self) -> float | None:
        """Share of the planned minutes that were done where they were planned, if known at all."""
        return self.met_min / self.known_planned_min if self.known_planned_min > 0 else None

    def words(self) -> tuple[str, str]:
        """Return it as a sentence in Chinese and in English."""
        share = self.met_share
        hours = f"{self.planned_min / 60:g}"
        if share is None:
            return (
                f"计划 {hours} 小时；无任何轨迹或记录，完成情况不明（不等于未完成）",
                f"{hours} h were planned; no track tells what was done: unknown, not undone",
            )
        zh = (
            f"计划 {hours} 小时，其中可核对 {self.known_planned_min / 60:g} 小时；"
            f"按地点与班次完成 {self.met_min / 60:.1f} 小时（{share:.0%}），共记录 "
            f"{self.done_min / 60:.1f} 小时；{self.unknown} 处情况不明"
        )
        en = (
            f"{hours} h were planned, {self.known_planned_min / 60:g} h of it can be checked: "
            f"{self.met_min / 60:.1f} h ({share:.0%}) were done where and when they were planned, "
            f"{self.done_min / 60:.1f} h in all; {self.unknown} places are unknown"
        )
        return zh, en

    def by_source(self) -> list[tuple[str, str]]:
        """Return a line for each means with hours planned or done, Chinese and English."""
        known = self.rows[self.rows["done_min"].notna()]
        said = []
        for source, part in self.rows.groupby("source", sort=False):
            own = known[known["source"] == source]
            met = float(np.minimum(own["planned_min"], own["done_min"]).sum()) / 60
            planned, done = float(part["planned_min"].sum()) / 60, float(own["done_min"].sum()) / 60
            blind = int((part["done_min"].isna() & (part["planned_min"] > 0)).sum())
            zh, en = SOURCE_WORDS[str(source)]
            said.append(
                (f"{zh}：计划 {planned:g} 小时，就地完成 {met:.1f}，共记录 {done:.1f}；"
                 f"{blind} 处不明",
                 f"{en}: {planned:g} h planned, {met:.1f} done where planned, {done:.1f} in all; "
                 f"{blind} places unknown")
            )  # fmt: skip
        return said


def by_source(rows: pd.DataFrame) -> pd.DataFrame:
    """Return planned rows with ``source``, by which the hours of their kind are recorded."""
    return rows.assign(source=rows["unit_kind"].map(SOURCE_OF_KIND))


def compare_done(planned: pd.DataFrame, done: pd.DataFrame) -> Done:
    """Set planned minutes beside done ones.

    Parameters
    ----------
    planned
        ``area_id``, ``shift_no``, ``source``, ``minutes``; rows of the same are summed. Of source
        ``any`` are plans that tell no means apart: all that was done counts towards them.
    done
        ``area_id``, ``shift_no``, ``source``, ``minutes``: one row for each of which something is
        known, 0 where it is known that nobody came. What is absent is unknown.

    Raises
    ------
    InputError
        An area and shift comes twice in `done`, or minutes are below 0.
    """
    if done.duplicated(KEY).any():
        raise InputError("an area, shift and means comes twice in what was done")
    if (done["minutes"] < 0).any():
        raise InputError("minutes done cannot be below 0")
    if (planned["source"] == "any").all():
        done = pd.DataFrame(
            done.assign(source="any").groupby(KEY, as_index=False)[["minutes"]].sum()
        )
    wanted = planned[[*KEY, "minutes"]].groupby(KEY, as_index=False).sum()
    rows = wanted.rename(columns={"minutes": "planned_min"}).merge(
        done[[*KEY, "minutes"]].rename(columns={"minutes": "done_min"}), on=KEY, how="outer"
    )
    rows["planned_min"] = rows["planned_min"].fillna(0.0).astype(float)
    rows["done_min"] = rows["done_min"].astype(float)
    rows["short_min"] = np.maximum(rows["planned_min"] - rows["done_min"], 0.0)
    known = rows["done_min"].notna()
    met = np.minimum(rows["planned_min"], rows["done_min"])
    return Done(
        rows=rows.sort_values(KEY, ignore_index=True),
        planned_min=float(rows["planned_min"].sum()),
        known_planned_min=float(rows.loc[known, "planned_min"].sum()),
        done_min=float(rows["done_min"].sum()),
        met_min=float(met[known].sum()),
        unknown=int((~known & (rows["planned_min"] > 0)).sum()),
    )
