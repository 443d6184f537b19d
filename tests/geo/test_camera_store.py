"""Views of cameras in the database: versions follow cameras, buildings and parameters."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from geo.camera_store import ViewCounts, read_cameras, read_views, update_views
from geo.crs.systems import unproject
from geo.visibility.cameras import LookParams

pytestmark = pytest.mark.db
SRID = 32650
NOW = datetime(2026, 11, 22, 20, tzinfo=UTC)
LATER = datetime(2026, 11, 23, 20, tzinfo=UTC)


def place_point(x: float, y: float) -> str:
    lon, lat = unproject(np.array([500_000 + x]), np.array([4_420_000 + y]), srid=SRID)
    return f"SRID=4326;POINT({lon[0]:.9f} {lat[0]:.9f})"


def place_box(west: float, south: float, east: float, north: float) -> str:
    x = 500_000 + np.array([west, east, east, west, west])
    y = 4_420_000 + np.array([south, south, north, north, south])
    lon, lat = unproject(x, y, srid=SRID)
    ring = ", ".join(f"{a:.9f} {b:.9f}" for a, b in zip(lon, lat, strict=True))
    return f"SRID=4326;MULTIPOLYGON((({ring})))"


@pytest.fixture
def place(db) -> int:
    """Give a square kilometre with three cameras and one building."""
    number = db.execute(
        text(
            "INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone) "
            "VALUES ('T', '测试', 'Test', :geom, :srid, 'Asia/Shanghai') RETURNING jurisdiction_id"
        ),
        {"geom": place_box(0, 0, 1000, 1000), "srid": SRID},
    ).scalar_one()
    feed = db.execute(
        text("INSERT INTO feed (jurisdiction_id, source) VALUES (:n, 'c') RETURNING feed_id"),
        {"n": number},
    ).scalar_one()
    for ref, x, azimuth, fov, reach, presets in (
        ("A", 100, 90, 60, 80, None), ("B", 500, None, None, None, "0/60/50; 180/60/50"),
        ("C", 900, None, None, None, None),
    ):  # fmt: skip
        db.execute(
            text(
                "INSERT INTO camera (feed_id, source_ref, content_hash, geom, azimuth_deg, fov_deg, "
                "range_m, presets) VALUES (:feed, :ref, 1, :geom, :azimuth, :fov, :reach, :presets)"
            ),
            {"feed": feed, "ref": ref, "geom": place_point(x, 500), "azimuth": azimuth, "fov": fov,
             "reach": reach, "presets": presets},
        )  # fmt: skip
    add_building(db, feed, "H", place_box(130, 490, 140, 510))
    return number


def add_building(db, feed: int, ref: str, geom: str) -> None:
    db.execute(
        text(
            "INSERT INTO building (feed_id, source_ref, content_hash, geom) "
            "VALUES (:feed, :ref, hashtext(:ref), :geom)"
        ),
        {"feed": feed, "ref": ref, "geom": geom},
    )


def run(db, place, *, now=NOW, **params) -> ViewCounts:
    return update_views(
        db, place, srid=SRID, params=LookParams(**params), now=now, code_version="0"
    )


def test_views_are_stored_once_and_again_only_where_something_changed(db, place) -> None:
    assert run(db, place) == ViewCounts(new=3, changed=0, same=0, ended=0, cameras=3, blind=1)
    assert run(db, place, now=LATER) == ViewCounts(0, 0, 3, 0, 3, 1)
    db.execute(text("UPDATE camera SET azimuth_deg = 95 WHERE source_ref = 'A'"))
    assert run(db, place, now=LATER) == ViewCounts(0, 1, 2, 0, 3, 1)
    views = read_views(db, place)
    assert views["version"].tolist() == [2, 1, 1]
    assert views["preset"].tolist() == [0, 1, 2]
    kept = db.execute(text("SELECT count(*) FROM camera_view WHERE replaced_at IS NOT NULL"))
    assert kept.scalar_one() == 1


def test_cameras_of_which_nobody_knows_where_they_look_have_no_views(db, place) -> None:
    db.execute(text("UPDATE camera SET azimuth_deg = NULL, presets = NULL"))
    assert run(db, place) == ViewCounts(new=0, changed=0, same=0, ended=0, cameras=3, blind=3)


def test_new_building_changes_the_views_it_stands_in_and_no_other(db, place) -> None:
    run(db, place)
    before = read_views(db, place)["area_m2"]
    feed = db.execute(text("SELECT min(feed_id) FROM camera")).scalar_one()
    add_building(db, feed, "far", place_box(700, 700, 720, 720))
    assert run(db, place, now=LATER).same == 3
    add_building(db, feed, "near", place_box(495, 520, 505, 525))
    assert run(db, place, now=LATER) == ViewCounts(0, 2, 1, 0, 3, 1)
    after = read_views(db, place)["area_m2"]
    assert after[1] < before[1]
    assert after[2] == before[2]  # the building stands behind the other preset


def test_stored_polygon_has_the_area_that_was_computed(db, place) -> None:
    run(db, place)
    rows = db.execute(
        text("SELECT area_m2, ST_Area(ST_Transform(geom, 32650)) FROM camera_view")
    ).all()
    for computed, stored in rows:
        assert stored == pytest.approx(computed, rel=1e-4)
    sector = np.pi * 80**2 / 6
    assert rows[0][0] < sector - 100  # the house takes ground and its shadow away


def test_retired_camera_loses_its_view_and_comes_back_with_a_new_version(db, place) -> None:
    run(db, place)
    db.execute(text("UPDATE camera SET status = 'retired' WHERE source_ref = 'A'"))
    assert run(db, place, now=LATER) == ViewCounts(0, 0, 2, 1, 2, 1)
    assert len(read_cameras(db, place)) == 2
    db.execute(text("UPDATE camera SET status = 'online' WHERE source_ref = 'A'"))
    assert run(db, place, now=LATER).new == 1
    assert read_views(db, place)["version"].tolist() == [2, 1, 1]


def test_assumption_for_cameras_of_unknown_direction_is_written_down(db, place) -> None:
    counts = run(db, place, assumed_range_m=30.0)
    assert (counts.new, counts.blind) == (4, 0)
    views = read_views(db, place).set_index("basis")
    assert views.loc["assumed", "area_m2"] == pytest.approx(np.pi * 900, rel=1e-3)
    assert views.loc["assumed", "parameters"]["assumed_range_m"] == 30.0


def test_the_database_refuses_two_present_views_of_one_look(db, place) -> None:
    run(db, place)
    with pytest.raises(IntegrityError, match="uq_camera_view_current"):
        db.execute(
            text(
                "INSERT INTO camera_view (camera_id, preset, version, range_m, area_m2, basis, "
                "inputs_hash, parameters, code_version, made_at, geom) "
                "SELECT camera_id, preset, 99, range_m, area_m2, basis, '', '{}', '', made_at, geom "
                "FROM camera_view LIMIT 1"
            )
        )
