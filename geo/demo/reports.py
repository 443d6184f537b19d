"""Who reports what happened, when, and with which position."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.demo.cameras import view_sectors
from geo.demo.categories import CLASSES, FOUND_BY
from geo.demo.events import DAY_S, HOUR_S
from geo.demo.intensity import Intensity
from geo.demo.size import TIME_ZONE, DemoSize

FEEDS = {
    "resident": ("hotline-12345", "RX"),
    "patrol": ("grid-patrol", "XC"),
    "camera": ("video-patrol", "SP"),
    "drone": ("video-patrol", "WRJ"),
    "sensor": ("sensors", "CG"),
    "other": ("departments", "BM"),
}
"""Name of each finder's feed and the first letters of its numbers."""
DELAY_MIN = {
    "resident": ("lognormal", 45.0, 1.2),
    "patrol": ("exponential", 90.0, 0.0),
    "camera": ("exponential", 4.0, 0.0),
    "drone": ("exponential", 25.0, 0.0),
    "sensor": ("exponential", 1.0, 0.0),
    "other": ("lognormal", 1440.0, 0.9),
}
"""Law of the reporting delay, its median or mean in minutes, and its log spread. A patrol
also waits for its next duty hours."""
DUTY_HOURS = ((8.0, 12.0), (14.0, 18.0))
ADDRESS_SHARE = 0.35
"""Share of residents' reports that are placed at a building instead of where it is."""


def report_events(
    events: pd.DataFrame,
    intensity: Intensity,
    size: DemoSize,
    *,
    buildings: gpd.GeoDataFrame,
    cameras: gpd.GeoDataFrame,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Decide who reports each event and write the reports; the rest stays unknown.

    Parameters
    ----------
    events
        What `geo.demo.events.draw_events` drew.
    intensity
        Reach of each finder.
    size
        When the data end: later reports are not in yet.
    buildings, cameras
        Frames in the metric CRS.
    rng
        Source of every random choice.

    Returns
    -------
    incidents, provenance
        The reports in order of `reported_at`, and for each its ``source_ref``, the
        ``component`` it came from, the reference of the report on what set it off (None if
        there is none) and the true position ``true_x_m``, ``true_y_m``.
    """
    who_rng, when_rng, where_rng, rest_rng = rng.spawn(4)
    finder = choose_finder(events, intensity, who_rng)
    reported = reported_seconds(events["seconds"].to_numpy(), finder, when_rng)
    keep = (finder >= 0) & (reported < (size.days - 1) * DAY_S + size.last_hour * 3600)
    kept = events[keep].assign(
        finder=finder[keep], reported=reported[keep], event=np.flatnonzero(keep)
    )
    kept = kept.sort_values(["reported", "event"], kind="stable", ignore_index=True)
    kept["source_ref"] = number_reports(kept, size)
    x, y = place_reports(kept, intensity, buildings, where_rng)
    incidents = pd.DataFrame(
        {
            "source": np.array([FEEDS[name][0] for name in FOUND_BY])[kept["finder"]],
            "source_ref": kept["source_ref"],
            "category": np.array([item.code for item in CLASSES])[kept["category"]],
            "occurred_at": local_times(kept["seconds"].to_numpy(), size),
            "reported_at": local_times(kept["reported"].to_numpy(), size),
            "found_by": np.array(FOUND_BY)[kept["finder"]],
            "x_m": np.round(x, 2),
            "y_m": np.round(y, 2),
            "severity": rest_rng.choice([1, 2, 3, 4], len(kept), p=[0.02, 0.1, 0.38, 0.5]),
            "status": case_status(kept["reported"].to_numpy(), size, rest_rng),
            "camera_ref": seen_by(kept, cameras),
        }
    )
    return incidents, provenance_of(kept, len(events))


def choose_finder(
    events: pd.DataFrame, intensity: Intensity, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the row of `FOUND_BY` that reports each event, -1 for nobody, shape (n,)."""
    x, y = events["x_m"].to_numpy(), events["y_m"].to_numpy()
    cell = intensity.surfaces.lattice.locate(x, y)
    reach = intensity.finder_reach[:, cell]
    camera = FOUND_BY.index("camera")
    views = shapely.STRtree(intensity.surfaces.views)
    seen = views.query(shapely.points(x, y), predicate="intersects")[0]
    reach[camera] = 0.0
    reach[camera, seen] = 1.0
    share = np.array([item.found for item in CLASSES])[events["category"].to_numpy()].T
    limits = np.cumsum(share * reach, axis=0)
    drawn = rng.uniform(size=len(events))
    row = (drawn[None, :] >= limits).sum(axis=0)
    return np.where(row < len(FOUND_BY), row, -1)


def reported_seconds(
    seconds: NDArray[np.float64], finder: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return when each event is reported, seconds since the first midnight, never before it."""
    delay = np.zeros(len(seconds))
    normal, wait = rng.normal(size=len(seconds)), rng.exponential(size=len(seconds))
    for row, name in enumerate(FOUND_BY):
        law, minutes, spread = DELAY_MIN[name]
        mine = finder == row
        drawn = np.exp(spread * normal) if law == "lognormal" else wait
        delay[mine] = minutes * 60.0 * drawn[mine]
    reported = np.ceil(seconds + delay)
    late = rng.uniform(0.0, HOUR_S, len(seconds))
    on_patrol = finder == FOUND_BY.index("patrol")
    return np.where(on_patrol, next_duty(reported, late), reported)


def next_duty(seconds: NDArray[np.float64], late: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return times moved into the next duty hours, `late` seconds after their start."""
    day, rest = np.divmod(seconds, DAY_S)
    (first, noon), (after, last) = DUTY_HOURS
    moved = np.where(rest < first * HOUR_S, first * HOUR_S + late, rest)
    moved = np.where(
        (rest >= noon * HOUR_S) & (rest < after * HOUR_S), after * HOUR_S + late, moved
    )
    moved = np.where(rest >= last * HOUR_S, DAY_S + first * HOUR_S + late, moved)
    return np.floor(day * DAY_S + moved)


def place_reports(
    reports: pd.DataFrame,
    intensity: Intensity,
    buildings: gpd.GeoDataFrame,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return reported positions: a share of residents' are a building's in the same cell."""
    lattice = intensity.surfaces.lattice
    x, y = reports["x_m"].to_numpy(copy=True), reports["y_m"].to_numpy(copy=True)
    house = shapely.get_coordinates(shapely.centroid(buildings.geometry.to_numpy()))
    house_cell = lattice.locate(house[:, 0], house[:, 1])
    order = np.argsort(house_cell, kind="stable")
    count = np.bincount(house_cell[house_cell >= 0], minlength=len(lattice.ground))
    start = np.searchsorted(house_cell[order], np.arange(len(lattice.ground)))
    cell = lattice.locate(x, y)
    moved = (reports["finder"].to_numpy() == 0) & (rng.uniform(size=len(x)) < ADDRESS_SHARE)
    moved &= count[cell] > 0
    at = cell[moved]
    pick = order[start[at] + (rng.uniform(size=len(at)) * count[at]).astype(np.int64)]
    x[moved], y[moved] = house[pick, 0], house[pick, 1]
    return x, y


def number_reports(reports: pd.DataFrame, size: DemoSize) -> pd.Series[str]:
    """Return each feed's own running number: letters, day, number of the day."""
    day = np.floor(reports["reported"].to_numpy() / DAY_S).astype(np.int64)
    in_day = reports.groupby([reports["finder"], pd.Series(day)]).cumcount() + 1
    stamp = pd.Series(pd.Timestamp(size.first_day) + pd.to_timedelta(day, unit="D"))
    letters = pd.Series(np.array([FEEDS[name][1] for name in FOUND_BY])[reports["finder"]])
    return letters + stamp.dt.strftime("%Y%m%d") + in_day.astype(str).str.zfill(4)


def local_times(seconds: NDArray[np.float64], size: DemoSize) -> pd.Series[pd.Timestamp]:
    """Return local times with zone of seconds since the first midnight (China has no DST)."""
    start = pd.Timestamp(size.first_day).tz_localize(TIME_ZONE)
    return pd.Series(start + pd.to_timedelta(seconds.astype(np.int64), unit="s"))


def case_status(
    reported: NDArray[np.float64], size: DemoSize, rng: np.random.Generator
) -> NDArray[np.str_]:
    """Return closed, or in_progress for some of the latest reports, shape (n,)."""
    age = size.days - reported / DAY_S
    return np.where(rng.uniform(size=len(reported)) < np.exp(-age / 4.0), "in_progress", "closed")


def seen_by(reports: pd.DataFrame, cameras: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Return for camera-found reports the first working camera that sees the place."""
    working = cameras[cameras["status"] == "online"]
    mine = np.flatnonzero(reports["finder"].to_numpy() == FOUND_BY.index("camera"))
    points = shapely.points(reports["x_m"].to_numpy()[mine], reports["y_m"].to_numpy()[mine])
    report, sector = shapely.STRtree(view_sectors(working)).query(points, predicate="intersects")
    first = pd.Series(sector).groupby(report).min()
    ref = np.full(len(reports), None, dtype=object)
    ref[mine[first.index.to_numpy()]] = working["source_ref"].to_numpy()[first.to_numpy()]
    return ref


def provenance_of(reports: pd.DataFrame, events: int) -> pd.DataFrame:
    """Return where each report comes from, for the truth kept beside the data."""
    of_event = np.full(events + 1, None, dtype=object)
    of_event[reports["event"].to_numpy()] = reports["source_ref"].to_numpy()
    return pd.DataFrame(
        {
            "source_ref": reports["source_ref"],
            "component": reports["component"],
            "parent_ref": of_event[reports["parent"].to_numpy()],
            "true_x_m": reports["x_m"].to_numpy(),
            "true_y_m": reports["y_m"].to_numpy(),
        }
    )
