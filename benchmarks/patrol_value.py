"""What a plan is worth: reports of the next week that the same hours cover under four ways.

    python -m benchmarks.patrol_value [--data FOLDER] [--weeks 24] [--place chicago|demo|both]

Chicago's real reports are replayed week by week; the demo district is simulated. Each way gets the
same hours in each of 21 shifts of the week and knows nothing past the week's begin. A report is
covered with probability ``1 - exp(-hours / cover_h)`` by the hours of its grid and shift: a model
of presence, not of what presence prevents.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.cube import Cube, Units
from analytics.forecast.blend import Blend
from analytics.forecast.protocol import Places, Target
from analytics.forecast.suite import KNOTS, BlendParams, own_surfaces
from analytics.steps import Steps
from geo.demo.district import make_district
from patrol.allocation.day import DayRules, Duty, share_day
from patrol.filling import round_to_steps

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
SHIFTS = 21
STEP_H = 0.25
YEAR = 52
# Found by police on patrol, not reported: where they were found says where patrols went.
FOUND_BY_PATROL = (
    "NARCOTICS", "PROSTITUTION", "GAMBLING", "LIQUOR LAW VIOLATION", "WEAPONS VIOLATION",
    "INTERFERENCE WITH PUBLIC OFFICER", "CONCEALED CARRY LICENSE VIOLATION", "PUBLIC INDECENCY",
)  # fmt: skip
SEED = 20260501
# A community with fewer reports in a week says nothing about how it was covered.
FEWEST = 20


@dataclass(frozen=True, eq=False)
class Replay:
    """Reports by grid, week, shift of the week and class; who is whose neighbour does not matter.

    Attributes
    ----------
    counts
        Shape ``(n, n_weeks, 21, n_classes)``.
    xy
        Shape ``(n, 2)``, metres.
    groups
        Shape ``(n,)``, number of the community.
    first
        Monday that the weeks begin on; `zone` its time zone.
    hours
        Patrol hours of one shift.
    """

    name: str
    counts: NDArray[np.uint16]
    xy: Floats
    groups: Longs
    first: pd.Timestamp
    zone: str
    hours: float


def read_chicago(data: Path) -> Replay:
    """Read the reported crimes of two years by police beat; communities are police districts."""
    files = sorted((data / "chicago").glob("incidents_*.parquet"))
    columns = ["occurred_at", "primary_type", "beat"]
    frame = pd.concat([pd.read_parquet(f, columns=columns) for f in files]).dropna()
    frame = frame[~frame["primary_type"].isin(FOUND_BY_PATROL)]
    beats = gpd.read_file(data / "chicago" / "police_beats.geojson").to_crs(26916)
    beats = beats.assign(number=beats["beat"].astype(int)).drop_duplicates("number")
    beats = beats.sort_values("number", ignore_index=True)
    middle = beats.geometry.centroid
    _, groups = np.unique(beats["district"].astype(str), return_inverse=True)
    return _replay(
        "Chicago 2013-2014", pd.DatetimeIndex(frame["occurred_at"]),
        pd.Index(beats["number"]).get_indexer(pd.Index(frame["beat"].astype(int))),
        frame["primary_type"].to_numpy(dtype=object),
        np.column_stack([middle.x, middle.y]), groups.astype(np.int64), "America/Chicago", 100.0,
    )  # fmt: skip


def read_demo() -> Replay:
    """Make the demo district and take what residents reported, by responsibility grid."""
    made = make_district()
    told = made.incidents[made.incidents["found_by"] == "resident"]
    grids = made.grids.to_crs(4549)
    points = gpd.GeoDataFrame(
        geometry=gpd.points_from_xy(told["lon"], told["lat"]), crs=4326
    ).to_crs(4549)
    joined = gpd.sjoin(points, grids[["geometry"]], predicate="within")
    place = np.full(len(told), -1)
    place[joined.index.to_numpy()] = joined["index_right"].to_numpy()
    parent = grids["parent_code"] if "parent_code" in grids else grids["code"].str[:12]
    _, groups = np.unique(parent.astype(str), return_inverse=True)
    middle = grids.geometry.centroid
    when = pd.DatetimeIndex(told["occurred_at"]).tz_convert("Asia/Shanghai").tz_localize(None)
    return _replay(
        "Demo district (simulated)", when, place, told["category"].to_numpy(dtype=object),
        np.column_stack([middle.x, middle.y]), groups.astype(np.int64), "Asia/Shanghai", 25.0,
    )  # fmt: skip


def _replay(
    name: str, when: pd.DatetimeIndex, place: NDArray[np.intp], classes: NDArray[np.object_],
    xy: Floats, groups: Longs, zone: str, hours: float,
) -> Replay:  # fmt: skip
    first = when.min().normalize()
    first += pd.Timedelta(days=(7 - first.weekday()) % 7)
    hour = ((when - first) // pd.Timedelta(hours=1)).to_numpy()
    weeks = int((when.max() - first) // pd.Timedelta(weeks=1))
    week, shift = hour // 168, hour % 168 // 8
    sizes = pd.Series(classes).value_counts()
    kept = sizes.index[sizes >= 500]
    kind = pd.Index(kept).get_indexer(pd.Index(classes))
    good = (place >= 0) & (week >= 0) & (week < weeks) & (kind >= 0)
    counts = np.zeros((len(xy), weeks, SHIFTS, len(kept)), dtype=np.uint16)
    np.add.at(counts, (place[good], week[good], shift[good], kind[good]), 1)
    return Replay(name, counts, xy, groups, first, zone, hours)


def forecasts(replay: Replay, weeks: int) -> Iterator[tuple[int, Floats]]:
    """Yield each week, the need that Gridbeat expects by grid and shift."""
    total = replay.counts.sum(axis=(2, 3), dtype=np.uint16)
    n, n_weeks = total.shape
    days = pd.date_range(replay.first, periods=n_weeks + 1, freq="7D").tz_localize(replay.zone)
    edges = days.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]")
    cube = Cube(
        total[:, :, None, None].copy(), Units("cell", np.arange(n)),
        Steps(edges, "week", replay.zone), ("all",), ("resident",),
    )  # fmt: skip
    method = Blend(
        "blend", Target(None), Places(replay.xy[:, 0].copy(), replay.xy[:, 1].copy()),
        own_surfaces(), BlendParams(knots=KNOTS),
    )  # fmt: skip
    cutoffs = list(range(n_weeks - weeks, n_weeks))
    for week, fitted in zip(cutoffs, method.fit_rolling(cube, cutoffs), strict=True):
        expected = fitted.predict(1).mean[:, 0]
        in_shift = _shift_share(replay.counts[:, max(week - YEAR, 0) : week])
        yield week, expected[:, None] * in_shift


def _shift_share(past: NDArray[np.uint16]) -> Floats:
    """Return the share of each grid's week in each shift: its mix of classes, each with its week."""
    by_class = past.sum(axis=(1, 2), dtype=np.float64)
    whole = by_class.sum(axis=0)
    mix = (by_class + 20 * whole / whole.sum()) / (by_class.sum(axis=1, keepdims=True) + 20)
    week = past.sum(axis=(0, 1), dtype=np.float64)
    profile = (week + 100 * week.sum(axis=1, keepdims=True) / week.sum()) / (whole + 100)
    profile /= profile.sum(axis=0)
    return np.asarray(mix @ profile.T)


def gridbeat(replay: Replay, need: Floats, week: int, rules: DayRules) -> Longs:
    """Share the hours as `gridbeat plan` does."""
    n = len(need)
    duty = Duty(
        ("vehicle",), np.full((SHIFTS, 1), replay.hours), np.full(SHIFTS, 8.0),
        np.ones((n, 1), dtype=np.bool_), np.zeros((n, 1)),
    )  # fmt: skip
    day = share_day(
        need[:, :, None], None, duty, rules=rules,
        codes=[str(i) for i in range(n)], groups=replay.groups, turn=week,
    )  # fmt: skip
    return day.shared.steps[:, :, 0]


def ways(replay: Replay, week: int, need: Floats) -> dict[str, Longs]:
    """Return the steps of each way: grids by shifts."""
    n = len(need)
    steps = round(replay.hours / STEP_H)
    past = replay.counts[:, max(week - YEAR, 0) : week].sum(axis=(1, 3), dtype=np.float64)
    recent = replay.counts[:, week - 4 : week].sum(axis=(1, 2, 3))
    top = np.zeros(n)
    top[np.argsort(-recent, kind="stable")[: max(n // 10, 1)]] = 1.0
    given = {name: gridbeat(replay, need, week, rules) for name, rules in drafts().items()}
    return {
        "a equal hours": _share(np.ones((n, SHIFTS)), steps, week),
        "b last year's counts": _share(past, steps, week),
        "c analyst's top tenth": _share(np.repeat(top[:, None], SHIFTS, axis=1), steps, week),
    } | given


def drafts() -> dict[str, DayRules]:
    """Return the rules of `gridbeat plan`, of coverage alone, and of each safeguard by itself.

    Rules are of a day: floors and what exploring gives one grid at most are seven times as much.
    """
    plain = DayRules(
        floor_min=0, explore_share=0.0, surprise_share=0.0, fairness=0.0, explore_cap_h=0.0
    )
    full = DayRules()
    full = replace(full, floor_min=7 * full.floor_min, explore_cap_h=4.0)
    return {
        "d Gridbeat, as drafted": full,
        "d' Gridbeat, coverage only": plain,
        "d1 and a visit of 15 min a day": replace(plain, floor_min=full.floor_min),
        "d2 and exploration": replace(
            plain, explore_share=full.explore_share, explore_cap_h=full.explore_cap_h
        ),
        "d3 and the lot": replace(plain, surprise_share=full.surprise_share),
        "d4 and fairness at its price": replace(plain, fairness=None),
        "e as drafted until November 2026": DayRules(
            floor_min=210, explore_share=0.10, explore_cap_h=4.0, fairness=0.25
        ),
    }


def _share(weight: Floats, steps: int, week: int) -> Longs:
    """Give each shift's steps in proportion, whole by largest remainder."""
    given = np.zeros(weight.shape, dtype=np.int64)
    for shift in range(weight.shape[1]):
        own = weight[:, shift] if weight[:, shift].sum() > 0 else np.ones(len(weight))
        share = own / own.sum() * steps
        given[:, shift] = round_to_steps(share, total=steps, turn=week * SHIFTS + shift)
    return given


def judge(replay: Replay, weeks: int, covers: tuple[float, ...]) -> pd.DataFrame:
    """Replay the last weeks: one row a week, way and assumption of coverage."""
    rows = []
    for week, need in forecasts(replay, weeks):
        seen = replay.counts[:, week].sum(axis=2, dtype=np.float64)
        for way, steps in ways(replay, week, need).items():
            for cover_h in covers:
                chance = -np.expm1(-steps * STEP_H / cover_h)
                by_group = np.bincount(replay.groups, weights=(seen * chance).sum(axis=1))
                reports = np.bincount(replay.groups, weights=seen.sum(axis=1))
                rows.append(
                    {
                        "week": week, "way": way, "cover_h": cover_h,
                        "realised": (seen * chance).sum() / seen.sum(),
                        "expected": (need * chance).sum() / need.sum(),
                        "worst": (by_group / np.maximum(reports, 1))[reports >= FEWEST].min(),
                        "best": (by_group / np.maximum(reports, 1))[reports >= FEWEST].max(),
                        "unvisited": float((steps.sum(axis=1) == 0).mean()),
                    }
                )  # fmt: skip
        print(f"{replay.name}: week {week} done", flush=True)
    return pd.DataFrame(rows)


def report(replay: Replay, table: pd.DataFrame) -> Iterator[str]:
    """Yield the tables."""
    n, _, _, kinds = replay.counts.shape
    weeks = table["week"].nunique()
    yield (
        f"## {replay.name}\n\n{n} grids, {replay.groups.max() + 1} communities, {kinds} classes, "
        f"{weeks} weeks judged, {replay.hours:g} h in each of 21 shifts "
        f"({replay.hours / n * 60:.0f} min a grid and shift on average), "
        f"{replay.counts[:, -weeks:].sum() / weeks:,.0f} reports a week.\n"
    )
    main = table[table["cover_h"] == 1.0]
    yield "| way | realised | expected by the forecast | worst community | best community | grids never visited in a week |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for way, part in main.groupby("way", sort=True):
        mean = part.mean(numeric_only=True)
        yield (
            f"| {way} | {mean['realised']:.1%} | {mean['expected']:.1%} | {mean['worst']:.1%} | "
            f"{mean['best']:.1%} | {mean['unvisited']:.0%} |"
        )
    yield ""
    yield "Realised coverage of d less that of the others, percentage points, with 95 % intervals"
    yield "(weeks drawn in blocks of four, 2,000 times):\n"
    yield (
        "| against | "
        + " | ".join(f"cover_h = {c:g} h" for c in sorted(set(table["cover_h"])))
        + " |"
    )
    yield "| --- |" + " --- |" * table["cover_h"].nunique()
    plain = sorted(way for way in set(table["way"]) if way[0] in "abc")
    old = "e as drafted until November 2026"
    for ours in ("d Gridbeat, as drafted", "d' Gridbeat, coverage only", old):
        for other in plain:
            cells = [_gain(part, ours, other) for _, part in table.groupby("cover_h")]
            yield f"| {ours.split(' ')[0]} against {other} | " + " | ".join(cells) + " |"
    yield ""


def _gain(part: pd.DataFrame, ours: str, other: str) -> str:
    wide = part.pivot(index="week", columns="way", values="realised")
    rng = np.random.default_rng(SEED)
    a, b = (wide[name].to_numpy() for name in (ours, other))
    difference = 100 * (a - b)
    n, block = len(difference), 4
    starts = rng.integers(0, n, (2000, -(-n // block)))
    rows = (starts[:, :, None] + np.arange(block)).reshape(2000, -1)[:, :n] % n
    low, high = np.quantile(difference[rows].mean(axis=1), [0.025, 0.975])
    return f"{difference.mean():+.1f} ({low:+.1f} .. {high:+.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--weeks", type=int, default=24)
    parser.add_argument("--place", choices=["chicago", "demo", "both"], default="both")
    given = parser.parse_args()
    makers: dict[str, Callable[[], Replay]] = {
        "chicago": lambda: read_chicago(given.data), "demo": read_demo,
    }  # fmt: skip
    lines: list[str] = []
    for name, make in makers.items():
        if given.place in (name, "both"):
            replay = make()
            lines += report(replay, judge(replay, given.weeks, (0.5, 1.0, 2.0)))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
