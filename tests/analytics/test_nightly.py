from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from sqlalchemy import text

from analytics.density import DensityParams
from analytics.hotspots import HotspotParams
from analytics.nightly import NightlyParams, run_night
from analytics.queries import CubeRequest
from analytics.store import read_result
from geo.errors import InputError


@pytest.mark.db
def test_a_night_finds_what_was_planted_and_gives_the_same_numbers_again(db, district):
    """A corner of 200 m holds 400 extra reports, most of them late in the year."""
    db.execute(
        text(
            "INSERT INTO incident (occurred_at, occurred_until, time_precision, feed_id, "
            "source_ref, category_id, found_by, geom, x_m, y_m, area_id, content_hash) "
            "SELECT t, t, 'minute', :feed, 'planted' || n, category_id, 'resident', geom, "
            "x + 1100 + 10 * (n % 20), y + 300 + n % 200, :area, 0 FROM ("
            "SELECT n, timestamptz '2020-01-01 12:00Z' + sqrt(n / 400.0) * interval '364 days' AS t, "
            "(SELECT min(category_id) FROM category) AS category_id, "
            "ST_SetSRID(ST_MakePoint(-87.73, 41.905), 4326) AS geom, "
            ":x AS x, :y AS y FROM generate_series(1, 400) AS n) AS planted"
        ),
        {"feed": district["feed"], "area": district["areas"]["e1"], **district["corner"]},
    )
    request = CubeRequest(district["id"], date(2020, 1, 1), date(2021, 1, 1), step="month")
    params = NightlyParams(cell_size_m=100.0, density=DensityParams(bandwidth_m=200.0))
    night = run_night(db, request, params, code_version="0.1.0")
    again = run_night(db, request, params, code_version="0.1.0")
    assert set(night.run_ids) == {
        "hotspots", "trends", "density", "area_trends", "emerging", "changes", "scan",
        "backtest", "forecast",
    }  # fmt: skip
    assert "backtest" not in again.run_ids  # the second night takes what the first one chose
    rows = {name: read_result(db, number).rows for name, number in night.run_ids.items()}
    hot = rows["hotspots"][rows["hotspots"]["label"] == "hot"].to_crs(26971)
    assert len(hot) > 0
    middle = np.array([district["corner"]["x"] + 1200, district["corner"]["y"] + 400])
    centres = np.column_stack((hot.centroid.x, hot.centroid.y))
    assert np.linalg.norm(centres - middle, axis=1).max() < 350
    peak = rows["density"].to_crs(26971).loc[rows["density"]["score"].astype(float).idxmax()]
    assert np.hypot(*(np.array(peak.geometry.centroid.coords[0]) - middle)) < 150
    grids = rows["area_trends"].set_index("code")
    assert grids.loc["e1", "label"] == "rising"
    for name, result in night.results.items():
        np.testing.assert_array_equal(result.q, again.results[name].q)
        assert result.parameters == again.results[name].parameters


@pytest.mark.db
def test_a_night_without_grids_or_surface_leaves_them_out(db, district):
    request = CubeRequest(district["id"], date(2020, 1, 1), date(2021, 1, 1), step="month")
    params = NightlyParams(level=None, density=None, hotspots=HotspotParams(chance="simulated"))
    night = run_night(db, request, params, code_version="0.1.0")
    assert set(night.run_ids) == {"hotspots", "trends", "emerging", "scan"}
    assert read_result(db, night.run_ids["hotspots"]).run["seed"] == params.seed


def test_a_bandwidth_below_the_cell_is_refused_before_anything_is_counted():
    with pytest.raises(InputError, match="less than one cell"):
        NightlyParams(cell_size_m=500.0)
