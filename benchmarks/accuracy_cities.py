"""Real incidents whose future `benchmarks.accuracy` forecasts, city by city."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.crs.systems import project

CHICAGO_SRID = 26971
CLASSES = ("THEFT", "BURGLARY", "ROBBERY", "MOTOR VEHICLE THEFT")
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Points:
    """Located incidents: metres (or feet), local time, class."""

    x: Floats
    y: Floats
    when: pd.DatetimeIndex
    category: NDArray[np.object_]


def read_chicago(data: Path) -> Points:
    files = sorted((data / "chicago").glob("incidents_*.parquet"))
    columns = ["occurred_at", "primary_type", "lon", "lat"]
    frame = pd.concat([pd.read_parquet(f, columns=columns) for f in files]).dropna()
    frame = frame[frame["lat"] > 40]  # the geocoder's fallback point lies far outside the city
    x, y = project(frame["lon"].to_numpy(), frame["lat"].to_numpy(), srid=CHICAGO_SRID)
    when = pd.DatetimeIndex(frame["occurred_at"])
    return Points(x, y, when, frame["primary_type"].to_numpy(dtype=object))


def read_vancouver(data: Path) -> Points:
    frame = pd.read_csv(data / "vancouver/incidents_2020.csv.gz")
    frame = frame[frame["x"] > 0]  # 0, 0 where the place is withheld
    when = pd.to_datetime(frame[["year", "month", "day", "hour", "minute"]].fillna(0))
    return Points(
        frame["x"].to_numpy(dtype=np.float64),
        frame["y"].to_numpy(dtype=np.float64),
        pd.DatetimeIndex(when),
        frame["type"].to_numpy(dtype=object),
    )


def read_portland(data: Path) -> Points:
    frame = pd.read_csv(data / "portland/vehicle_theft_calls_2012_2017.csv.gz")
    when = pd.DatetimeIndex(pd.to_datetime(frame["occurred_on"]))
    return Points(
        frame["x_ft"].to_numpy(dtype=np.float64),
        frame["y_ft"].to_numpy(dtype=np.float64),
        when,
        np.full(len(frame), "VEHICLE THEFT", dtype=object),
    )


@dataclass(frozen=True)
class City:
    """A city whose next week is forecast by class.

    Attributes
    ----------
    read
        Reads its points from the directory of data.
    first, last
        First day, and the day after the last.
    least
        Classes with fewer incidents are left out.
    """

    read: Callable[[Path], Points]
    first: date
    last: date
    time_zone: str
    classes: tuple[str, ...]
    least: int


CITIES = {
    "chicago": City(
        read_chicago, date(2013, 1, 1), date(2015, 1, 1), "America/Chicago", CLASSES, 5_000
    ),
    # Looked at after the design stood, and never to choose anything.
    "vancouver": City(
        read_vancouver, date(2020, 1, 1), date(2020, 12, 30), "America/Vancouver",
        ("Theft from Vehicle", "Break and Enter Commercial", "Mischief"), 1_000,
    ),
}  # fmt: skip
