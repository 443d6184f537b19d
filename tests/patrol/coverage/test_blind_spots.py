"""Blind spots: ranked by reports on unseen ground, cut to it, told in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely

from geo.errors import InputError
from geo.lattice.lattice import make_lattice
from patrol.coverage.blind_spots import BlindParams, find_blind_spots
from patrol.coverage.samples import Samples

SRID = 32650


def ground(n: int = 40, step: float = 10.0) -> Samples:
    x, y = (v.ravel() for v in np.meshgrid(np.arange(n) * step + 5, np.arange(n) * step + 5))
    return Samples(x, y, np.zeros(len(x), dtype=np.int64), np.full(len(x), step**2))


def incidents(*piles: tuple[float, float, int, str]) -> pd.DataFrame:
    rows = [(x, y, kind, 8) for x, y, count, kind in piles for _ in range(count)]
    return pd.DataFrame(rows, columns=["x_m", "y_m", "category", "hour"])


LATTICE = make_lattice(shapely.box(0, 0, 400, 400), cell_size_m=50, srid=SRID)


def test_the_pile_that_nobody_sees_comes_first() -> None:
    points = ground()
    reports = incidents((75, 75, 40, "dump"), (325, 325, 400, "park"))
    seen = points.x > 200
    spots = find_blind_spots(LATTICE, points, seen, reports, weeks=10.0,
                             params=BlindParams(bandwidth_m=50))  # fmt: skip
    first = spots.iloc[0]
    assert first.geometry.contains(shapely.Point(75, 75))
    assert first["main_class"] == "dump"
    assert first["reports"] == 40
    assert first["unseen"] == 1
    assert "led by dump" in first["reason_en"]
    assert "以“dump”为主" in first["reason_zh"]
    assert (spots.geometry.centroid.x < 200).all()


def test_all_reports_are_expected_somewhere_unseen_if_nothing_is_seen() -> None:
    points = ground()
    reports = incidents((225, 175, 60, "dump"))
    spots = find_blind_spots(LATTICE, points, np.zeros(len(points), dtype=bool), reports, weeks=6.0,
                             params=BlindParams(bandwidth_m=50, top=1000, least_need=0))  # fmt: skip
    assert spots["need"].sum() == pytest.approx(10.0, rel=0.02)


def test_half_seen_cell_has_half_the_need_and_is_cut_to_what_is_dark() -> None:
    points = ground()
    reports = incidents((225, 225, 10, "dump"))
    dark = shapely.box(0, 0, 225, 400)
    params = BlindParams(bandwidth_m=50)
    whole = find_blind_spots(
        LATTICE, points, np.zeros(len(points), dtype=bool), reports, weeks=1.0, params=params
    )
    half = find_blind_spots(
        LATTICE, points, points.x > 225, reports, weeks=1.0, params=params, unseen=dark
    )

    def at(spots):
        return spots[spots.geometry.intersects(shapely.Point(210, 225))].iloc[0]

    assert at(half)["need"] == pytest.approx(at(whole)["need"] * 0.6, rel=1e-6)  # 3 of 5 columns
    assert at(half).geometry.area == pytest.approx(25 * 50)


def test_no_reports_give_no_spot_and_no_window_is_refused() -> None:
    points = ground(4)
    none = incidents()
    seen = np.zeros(len(points), dtype=bool)
    assert find_blind_spots(LATTICE, points, seen, none, weeks=1.0, params=BlindParams()).empty
    with pytest.raises(InputError, match="window"):
        find_blind_spots(LATTICE, points, seen, none, weeks=0, params=BlindParams())
    with pytest.raises(InputError, match="bandwidth"):
        BlindParams(bandwidth_m=0)
