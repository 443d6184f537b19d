"""What was planted, kept beside the data: so that one can ask what was found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import shapely

from geo.crs.systems import unproject
from geo.demo.categories import CLASSES, FOUND_BY
from geo.demo.dirt import dirt_counts
from geo.demo.intensity import Intensity
from geo.demo.reports import ADDRESS_SHARE, DELAY_MIN, DUTY_HOURS
from geo.demo.size import METRIC_CRS
from geo.demo.surfaces import CELL_M


@dataclass(frozen=True)
class Truth:
    """The known intensity and all that was done to it.

    Attributes
    ----------
    intensity
        Surfaces, rates and hotspots as arrays.
    hotspots
        One row per planted hotspot: id, kind, class, centre (``lon``, ``lat``, ``x_m``,
        ``y_m``), ``radius_m``, weekly rates, when and how it changes.
    provenance
        For every report: the component it came from, what set it off, its true position.
    dirt
        Which rows the files spoil, and how.
    """

    intensity: Intensity
    hotspots: pd.DataFrame
    provenance: pd.DataFrame
    dirt: pd.DataFrame

    def cells(self) -> pd.DataFrame:
        """Return the truth lattice, one row per cell of 50 m.

        ``x_m``, ``y_m`` (lower left corner, metric CRS), ``land_m2``, ``effort_h`` (patrol
        hours a week), the reach of each finder (0 to 1), ``hotspot`` (id or empty), and per
        class ``happen_CODE`` and ``background_CODE``: incidents expected over all days, with
        and without hotspots, near repeats not counted.
        """
        surface, lattice = self.intensity.surfaces, self.intensity.surfaces.lattice
        table: dict[str, Any] = {
            "x_m": lattice.x_m,
            "y_m": lattice.y_m,
            "land_m2": np.round(shapely.area(lattice.ground), 2),
            "effort_h": surface.effort_h,
            "patrol": surface.patrol,
            "camera": surface.camera,
            "drone": surface.drone,
            "sensor": surface.sensor,
            "hotspot": hotspot_of_cell(self.intensity),
        }
        expected = self.intensity.expected()
        level = self.intensity.class_day.sum(axis=1)[:, None]
        background = level * surface.background
        for row, item in enumerate(CLASSES):
            table[f"happen_{item.code}"] = expected[row]
            table[f"background_{item.code}"] = background[row]
        return pd.DataFrame(table)

    def days(self) -> pd.DataFrame:
        """Return expected incidents per day: a column per class (background) and hotspot."""
        parts = [(item.code, self.intensity.class_day[row]) for row, item in enumerate(CLASSES)]
        for row, spot in enumerate(self.intensity.hotspots):
            parts.append((spot.hotspot_id, self.intensity.hotspot_day[row]))
        return pd.DataFrame(dict(parts))

    def summary(self) -> dict[str, Any]:
        """Return everything but the arrays, ready for JSON."""
        return {
            "simulated": True,
            "metric_crs": METRIC_CRS,
            "cell_m": CELL_M,
            "hotspots": [
                {key: None if pd.isna(value) else value for key, value in row.items()}
                for row in self.hotspots.to_dict("records")
            ],
            "near_repeat": [
                {
                    "category": item.code,
                    "triggers_per_incident": item.triggers,
                    "gaussian_sigma_m": item.trigger_m,
                    "exponential_mean_days": item.trigger_days,
                }
                for item in CLASSES
                if item.triggers > 0
            ],
            "finders": [
                {"category": item.code, **dict(zip(FOUND_BY, item.found, strict=True))}
                for item in CLASSES
            ],
            "hours": {
                item.code: np.round(self.intensity.hours[row], 6).tolist()
                for row, item in enumerate(CLASSES)
            },
            "reporting_delay": {
                name: {"law": law, "minutes": minutes, "log_spread": spread}
                for name, (law, minutes, spread) in DELAY_MIN.items()
            },
            "patrol_duty_hours": [list(span) for span in DUTY_HOURS],
            "resident_reports_at_a_building": ADDRESS_SHARE,
            "dirt": dirt_counts(self.dirt),
        }


def hotspot_of_cell(intensity: Intensity) -> np.ndarray[Any, Any]:
    """Return the hotspot that adds to each cell, or an empty text, shape (n_cells,)."""
    owner = np.full(intensity.hotspot_cell.shape[1], "", dtype="<U8")
    for row, item in enumerate(intensity.hotspots):
        owner[intensity.hotspot_cell[row] > 0.0] = item.hotspot_id
    return owner


def hotspot_table(intensity: Intensity, last_day: date) -> pd.DataFrame:
    """Return the planted hotspots as a table; `last_day` is that of the incidents."""
    lon, lat = unproject(
        intensity.centre[:, 0], intensity.centre[:, 1], srid=int(METRIC_CRS.split(":")[1])
    )
    rows = [
        {
            "hotspot_id": item.hotspot_id,
            "kind": item.kind,
            "category": item.category,
            "lon": round(float(lon[row]), 6),
            "lat": round(float(lat[row]), 6),
            "x_m": round(float(intensity.centre[row, 0]), 1),
            "y_m": round(float(intensity.centre[row, 1]), 1),
            "radius_m": float(item.radius_m),
            "weekly_from": float(item.weekly_from),
            "weekly_to": float(item.weekly_to),
            "change_on": _day_before(last_day, item.change_days),
            "peak_day_of_year": item.peak_day,
            "expected": round(float(intensity.hotspot_day[row].sum()), 1),
            "note": item.note,
            "note_en": item.note_en,
        }
        for row, item in enumerate(intensity.hotspots)
    ]
    return pd.DataFrame(rows).astype({"change_on": object, "peak_day_of_year": object})


def _day_before(last_day: date, days: int | None) -> str | None:
    return None if days is None else (last_day - timedelta(days=days)).isoformat()
