"""Homes, roads and ties are read from the database for the areas that are asked about."""

from __future__ import annotations

from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import psycopg
import pytest
import shapely
from sqlalchemy import Connection

from geo.crs.systems import convert_geometries
from geo.grids.policy import HouseholdPolicy
from geo.ground import Ties, count_ties, read_area_names, read_homes, read_policy, read_seams
from geo.places import Place
from geo.store import ensure_categories, ensure_feed, read_place, write_jurisdiction

pytestmark = pytest.mark.db

SRID = 4549
X, Y = 520_000.0, 3_350_000.0
Shape = shapely.geometry.base.BaseGeometry


def degrees(shape: Shape) -> bytes:
    """Return a shape in metres from the south-west corner as WKB in degrees."""
    moved = shapely.transform(shape, lambda xy: np.add(xy, (X, Y)))
    return shapely.to_wkb(convert_geometries([moved], crs=SRID)[0])


@pytest.fixture
def connection(db: Connection) -> psycopg.Connection[Any]:
    found = db.connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found


@pytest.fixture
def place(connection: psycopg.Connection[Any]) -> Place:
    outline = shapely.from_wkb(degrees(shapely.box(0, 0, 300, 100)))
    write_jurisdiction(
        connection, code="T", code_scheme="local", name="试区", name_en="Testville",
        time_zone="Asia/Shanghai", srid=SRID, simulated=True, boundary=outline,
    )  # fmt: skip
    return read_place(connection, "T")


@pytest.fixture
def feed(connection: psycopg.Connection[Any], place: Place) -> int:
    return ensure_feed(
        connection, jurisdiction_id=place.jurisdiction_id, source="s", title=None, licence=None
    )


@pytest.fixture
def areas() -> gpd.GeoDataFrame:
    """Give two squares side by side; the third of the jurisdiction is not asked about."""
    squares = [shapely.box(X + 100 * k, Y, X + 100 * k + 100, Y + 100) for k in (0, 1)]
    return gpd.GeoDataFrame({"code": ["a", "b"]}, geometry=squares, crs=SRID)


def put(
    connection: psycopg.Connection[Any], feed: int, table: str, ref: str, **values: Any
) -> None:
    names = ", ".join(values)
    marks = ", ".join("%s" if name != "geom" else "ST_GeomFromWKB(%s, 4326)" for name in values)
    connection.execute(
        f"INSERT INTO {table} (feed_id, source_ref, content_hash, {names}) "
        f"VALUES (%s, %s, 0, {marks})".encode(),
        (feed, ref, *values.values()),
    )


def put_point(
    connection: psycopg.Connection[Any], feed: int, x: float, y: float, households: int
) -> None:
    shape = degrees(shapely.Point(x, y))
    put(connection, feed, "household_point", f"{x} {y}", households=households, geom=shape)


def put_building(
    connection: psycopg.Connection[Any], feed: int, x: float, households: int | None
) -> None:
    shape = degrees(shapely.MultiPolygon([shapely.box(x, 40, x + 10, 50)]))
    put(connection, feed, "building", str(x), households=households, geom=shape)


def test_buildings_count_only_where_no_point_does(
    connection: psycopg.Connection[Any], place: Place, feed: int, areas: gpd.GeoDataFrame
) -> None:
    for x, households in ((20, 30), (60, 0), (250, 9)):
        put_point(connection, feed, x, 50, households)
    for x, households in ((20, 99), (120, 40), (150, None), (170, 0), (220, 77)):
        put_building(connection, feed, x, households)
    homes = read_homes(connection, place, areas=areas)
    assert homes["households"].tolist() == [30, 40]
    assert homes["source"].tolist() == ["point", "building"]
    assert homes["area"].tolist() == [0, 1]
    assert homes.crs.to_epsg() == SRID
    assert homes.geometry.iloc[0].distance(shapely.Point(X + 20, Y + 50)) < 0.001
    assert homes.geometry.iloc[1].area == pytest.approx(100, abs=0.01)


@pytest.mark.parametrize("source", ["point", "building"])
def test_one_source_alone_is_enough(
    connection: psycopg.Connection[Any],
    place: Place,
    feed: int,
    areas: gpd.GeoDataFrame,
    source: str,
) -> None:
    if source == "point":
        put_point(connection, feed, 20, 50, 7)
    else:
        put_building(connection, feed, 20, 7)
    homes = read_homes(connection, place, areas=areas)
    assert homes[["households", "source"]].to_numpy().tolist() == [[7, source]]


def test_point_on_a_shared_edge_belongs_to_one_area(
    connection: psycopg.Connection[Any], place: Place, feed: int
) -> None:
    put_point(connection, feed, 100, 50, 11)
    spot = shapely.from_wkb(degrees(shapely.Point(100, 50)))
    edge = convert_geometries([spot], crs="wgs84", to=SRID)[0].x
    squares = [shapely.box(edge - 50, Y, edge, Y + 100), shapely.box(edge, Y, edge + 50, Y + 100)]
    areas = gpd.GeoDataFrame(geometry=squares, crs=SRID)
    assert read_homes(connection, place, areas=areas)["area"].tolist() == [1]


def test_place_without_homes_and_roads_gives_empty_frames(
    connection: psycopg.Connection[Any], place: Place, areas: gpd.GeoDataFrame
) -> None:
    for frame in (
        read_homes(connection, place, areas=areas),
        read_seams(connection, place, areas=areas),
    ):
        assert frame.empty
        assert frame.crs.to_epsg() == SRID


def test_roads_are_the_stronger_seams_the_greater_they_are(
    connection: psycopg.Connection[Any], place: Place, feed: int, areas: gpd.GeoDataFrame
) -> None:
    line = degrees(shapely.LineString([(10, 10), (90, 90)]))
    for kind in ("primary", "residential", "gangway"):
        put(connection, feed, "road", kind, kind=kind, geom=line)
    seams = read_seams(connection, place, areas=areas).set_index("kind")
    assert seams["strength"]["primary"] > seams["strength"]["residential"]
    assert np.isnan(seams["strength"]["gangway"])


def test_policy_is_that_of_the_jurisdiction(
    connection: psycopg.Connection[Any], place: Place
) -> None:
    assert read_policy(connection, place) == HouseholdPolicy()
    connection.execute(
        "UPDATE jurisdiction SET household_min = 100, household_target = 200, "
        "household_max = 250, household_tolerance = 10 WHERE code = 'T'"
    )
    assert read_policy(connection, place) == HouseholdPolicy(100, 200, 250, 10)


def test_ties_are_incidents_from_midnight_of_the_place_on_units_and_open_posts(
    connection: psycopg.Connection[Any], place: Place, feed: int
) -> None:
    square = degrees(shapely.MultiPolygon([shapely.box(0, 0, 100, 100)]))
    put(
        connection, feed, "area", "g", jurisdiction_id=place.jurisdiction_id, level="grid",
        grid_kind="basic", code="g", name="Grid", geom=square,
    )  # fmt: skip
    assert read_area_names(connection, place) == {"g": "Grid"}
    (number,) = connection.execute("SELECT area_id FROM area WHERE code = 'g'").fetchone() or (0,)
    category = ensure_categories(connection, scheme="s", categories={"1": ("一", "one", None)})
    months = [date(2026, 1, 1), date(2026, 2, 1)]
    connection.execute("SELECT ensure_incident_partitions(%s::date[])", (months,))
    for k, at in enumerate(("2026-01-09 23:59+08", "2026-01-10 00:00+08", "2026-02-01 00:00+08")):
        put(
            connection, feed, "incident", str(k), occurred_at=at, occurred_until=at,
            time_precision="minute", category_id=category["1"], found_by="resident", x_m=0.0,
            y_m=0.0, area_id=number, geom=degrees(shapely.Point(1, 1)),
        )  # fmt: skip
    put(connection, feed, "unit", "u", kind="foot", name="u", area_id=number)
    (person,) = connection.execute(
        "INSERT INTO person (jurisdiction_id, staff_no) VALUES (%s, '1') RETURNING person_id",
        (place.jurisdiction_id,),
    ).fetchone() or (0,)
    for role, until in (("officer", "infinity"), ("deputy", "2026-01-10")):
        connection.execute(
            "INSERT INTO post (person_id, role, area_id, valid_to) VALUES (%s, %s, %s, %s)",
            (person, role, number, until),
        )
    since = date(2026, 1, 10)
    assert count_ties(connection, place, codes=["g"], since=since) == Ties(2, 1, 1)
    assert count_ties(connection, place, codes=["other"], since=since) == Ties(0, 0, 0)
