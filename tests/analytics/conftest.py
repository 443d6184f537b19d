"""Lattices, cubes and a simulated town that every analytics test shares."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
import shapely
from sqlalchemy import text

from analytics.cube import Cube, Units
from analytics.forecast.protocol import Places
from analytics.steps import make_steps
from geo.crs.systems import project, unproject
from geo.lattice.lattice import make_lattice, neighbours
from geo.models.base import FOUND_BY

ZONE = "America/Chicago"
SRID = 26971
CODES = ("dump", "noise", "park")
SIDE = 16
N_WEEKS = 70


@pytest.fixture
def lattice():
    """Return a builder of whole square lattices, cells numbered row by row."""

    def build(n_rows, n_columns):
        box = shapely.box(0, 0, 100 * n_columns, 100 * n_rows)
        return make_lattice(box, cell_size_m=100, srid=32650)

    return build


@pytest.fixture
def near(lattice):
    """Return a builder of the neighbours on a whole lattice."""

    def build(n_rows, n_columns, *, contiguity="queen"):
        return neighbours(lattice(n_rows, n_columns), contiguity=contiguity)

    return build


@pytest.fixture
def cube_of():
    """Return a builder of a cube with one class and one source from ``(n_units, n_steps)``."""

    def build(series):
        counts = np.asarray(series, dtype=np.uint32)
        n_units, n_steps = counts.shape
        month = date(2020 + n_steps // 12, n_steps % 12 + 1, 1)
        steps = make_steps(date(2020, 1, 1), month, step="month", time_zone="Asia/Shanghai")
        units = Units("cell", np.arange(n_units))
        return Cube(counts[:, :, None, None], units, steps, ("dump",), ("resident",))

    return build


def insert(db, statement, **values):
    return db.execute(text(statement), values).scalar_one()


def metric_box(west, south, east, north):
    """Return the outline in degrees of a box given in metres from the district's corner."""
    x0, y0 = project([-87.75], [41.90], srid=SRID)
    x = np.array([west, east, east, west]) + x0
    y = np.array([south, south, north, north]) + y0
    return shapely.MultiPolygon([shapely.Polygon(np.column_stack(unproject(x, y, srid=SRID)))])


@pytest.fixture
def district(db):
    """A district of 2 x 1 km with two communities of two grids each, and 3,000 incidents."""
    outline = metric_box(0, 0, 2000, 1000)
    number = insert(
        db,
        "INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone) VALUES "
        "('t1', '试验区', 'Test', ST_GeomFromText(:wkt, 4326), :srid, :zone) "
        "RETURNING jurisdiction_id",
        wkt=outline.wkt, srid=SRID, zone=ZONE,
    )  # fmt: skip
    feed = insert(
        db,
        "INSERT INTO feed (jurisdiction_id, source) VALUES (:j, 'test') RETURNING feed_id",
        j=number,
    )
    scheme = insert(
        db,
        "INSERT INTO category_scheme (scheme, version) VALUES ('test', '1') RETURNING scheme_id",
    )
    for code in CODES:
        insert(
            db,
            "INSERT INTO category (scheme_id, code, name, name_en) VALUES (:s, :c, :c, :c) "
            "RETURNING category_id",
            s=scheme, c=code,
        )  # fmt: skip
    areas = write_areas(db, number, feed)
    frame = make_events(areas)
    write_incidents(db, feed, scheme, frame)
    x, y = project([-87.75], [41.90], srid=SRID)
    corner = {"x": float(x[0]), "y": float(y[0])}
    return {"id": number, "feed": feed, "areas": areas, "events": frame, "corner": corner}


def write_areas(db, number, feed):
    areas = {}

    def add(code, level, parent, shape, since="-infinity", until="infinity"):
        areas[code] = insert(
            db,
            "INSERT INTO area (jurisdiction_id, feed_id, source_ref, content_hash, code, name, "
            "level, grid_kind, parent_id, households, geom, valid_from, valid_to) VALUES "
            "(:j, :f, :c, 0, :c, :c, :l, :k, :p, :h, ST_GeomFromText(:w, 4326), :a, :b) "
            "RETURNING area_id",
            j=number, f=feed, c=code, l=level, k="basic" if level == "grid" else None,
            p=areas.get(parent), h=450, w=shape.wkt, a=since, b=until,
        )  # fmt: skip

    add("west", "community", None, metric_box(0, 0, 1000, 1000))
    add("east", "community", None, metric_box(1000, 0, 2000, 1000))
    add("w1", "grid", "west", metric_box(0, 0, 500, 1000))
    add("w2", "grid", "west", metric_box(500, 0, 1000, 1000))
    add("e-old", "grid", "east", metric_box(1000, 0, 2000, 1000), until="2020-07-01")
    add("e1", "grid", "east", metric_box(1000, 0, 1500, 1000), since="2020-07-01")
    add("e2", "grid", "east", metric_box(1500, 0, 2000, 1000), since="2020-07-01")
    return areas


def make_events(areas):
    rng = np.random.default_rng(17)
    n = 3000
    x0, y0 = project([-87.75], [41.90], srid=SRID)
    x, y = rng.uniform(-60, 2060, n) + x0, rng.uniform(-60, 1060, n) + y0
    # All of 2020 to the minute, with both nights of daylight saving time and its edges.
    minutes = rng.integers(0, 366 * 24 * 60, n)
    when = pd.Timestamp("2020-01-01 00:00", tz=ZONE) + pd.to_timedelta(minutes, unit="min")
    when = when.to_series().reset_index(drop=True)
    east, split = x - x0 >= 1000, when >= pd.Timestamp("2020-07-01", tz=ZONE)
    grid = np.select(
        [x - x0 < 500, ~east, ~split, x - x0 < 1500],
        [areas["w1"], areas["w2"], areas["e-old"], areas["e1"]],
        areas["e2"],
    )
    outside = (x < x0) | (x > x0 + 2000) | (y < y0) | (y > y0 + 1000)
    return pd.DataFrame(
        {
            "x_m": x,
            "y_m": y,
            "occurred_at": when,
            "category": rng.choice(CODES, n, p=[0.6, 0.3, 0.1]),
            "found_by": rng.choice(FOUND_BY, n),
            "area_id": np.where(outside, None, grid),
        }
    )


def write_incidents(db, feed, scheme, frame):
    db.execute(
        text(
            "SELECT ensure_incident_partitions(array_agg(d::date)) FROM generate_series("
            "date '2020-01-01', date '2021-01-01', interval '1 month') d"
        )
    )
    db.execute(
        text(
            "INSERT INTO incident (occurred_at, occurred_until, time_precision, feed_id, source_ref, "
            "category_id, found_by, geom, x_m, y_m, area_id, content_hash) "
            "SELECT t, t, 'minute', :feed, 'r' || row_number() OVER (), c.category_id, f, "
            "ST_Transform(ST_SetSRID(ST_MakePoint(x, y), :srid), 4326), x, y, a, 0 "
            "FROM unnest(CAST(:t AS timestamptz[]), CAST(:k AS text[]), CAST(:f AS text[]), "
            "CAST(:x AS float8[]), CAST(:y AS float8[]), CAST(:a AS bigint[])) AS r (t, k, f, x, y, a) "
            "JOIN category c ON c.code = r.k AND c.scheme_id = :scheme"
        ),
        {
            "feed": feed,
            "scheme": scheme,
            "srid": SRID,
            "t": [when.to_pydatetime() for when in frame["occurred_at"]],
            "k": frame["category"].tolist(),
            "f": frame["found_by"].tolist(),
            "x": frame["x_m"].tolist(),
            "y": frame["y_m"].tolist(),
            "a": frame["area_id"].tolist(),
        },
    )


def add_road(db, district, ref, line):
    x, y = np.array(line, dtype=float).T
    lon, lat = unproject(x + district["corner"]["x"], y + district["corner"]["y"], srid=SRID)
    db.execute(
        text(
            "INSERT INTO road (feed_id, source_ref, content_hash, kind, name, geom) "
            "VALUES (:f, :r, 0, 'residential', :r, ST_GeomFromText(:w, 4326))"
        ),
        {"f": district["feed"], "r": ref, "w": shapely.LineString(np.column_stack((lon, lat))).wkt},
    )


@pytest.fixture
def roaded(db, district):
    """Give the district a street each 250 m, and one far outside."""
    for i, y in enumerate(range(0, 1001, 250)):
        add_road(db, district, f"east {i}", [(-200, y), (2200, y)])
    for i, x in enumerate(range(0, 2001, 250)):
        add_road(db, district, f"north {i}", [(x, -200), (x, 1200)])
    add_road(db, district, "far", [(9000, 9000), (9500, 9000)])
    return district


def weekly_cube(counts, classes=("dump",), *, step="week"):
    """Wrap counts ``(n_units, n_steps, n_classes)`` of weeks or days from a Monday on."""
    days = {"week": 7, "day": 1}[step] * counts.shape[1]
    start = date(2024, 1, 1)
    steps = make_steps(start, start + timedelta(days=days), step=step, time_zone="Asia/Shanghai")
    units = Units("cell", np.arange(len(counts)))
    return Cube(counts[..., None].astype(np.uint16), units, steps, tuple(classes), ("resident",))


@pytest.fixture(scope="session")
def places():
    """Return the centres of 16 x 16 cells of 100 m."""
    row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)
    return Places(column * 100.0 + 50, row * 100.0 + 50)


@pytest.fixture(scope="session")
def risk(places):
    """Return the true incidents per week of each cell: two smooth hills and rough noise."""
    rng = np.random.default_rng(3)
    hills = [
        height * np.exp(-0.5 * ((places.x - x) ** 2 + (places.y - y) ** 2) / reach**2)
        for x, y, reach, height in ((400, 500, 150, 2.0), (1200, 1100, 250, 0.8))
    ]
    return (0.03 + sum(hills)) * rng.gamma(8.0, 1 / 8, SIDE * SIDE)


@pytest.fixture(scope="session")
def town(risk):
    """Return a weekly cube of two classes: one rare, one common with the same risk."""
    rng = np.random.default_rng(4)
    rare = rng.poisson(np.repeat(0.15 * risk[:, None], N_WEEKS, axis=1))
    common = rng.poisson(np.repeat(3 * risk[:, None], N_WEEKS, axis=1))
    return weekly_cube(np.stack([rare, common], axis=2), ("rare", "common"))


@pytest.fixture(scope="session")
def cube_from():
    """Return the builder of cubes from counts."""
    return weekly_cube
