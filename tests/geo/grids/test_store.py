from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import geopandas as gpd
import psycopg
import pytest
import shapely
from sqlalchemy import Connection

from geo.crs.systems import unproject
from geo.errors import ConflictError, NotFoundError
from geo.grids.carve import carve_exclusive
from geo.grids.change import merge_grids, split_grid
from geo.grids.policy import HouseholdPolicy
from geo.grids.store import (
    apply_change,
    read_codes,
    read_grids,
    read_parents,
    retag_incidents,
    write_grids,
)
from geo.grids.validate import validate_grids
from geo.places import Place
from geo.store import ensure_categories, ensure_feed, read_place, write_jurisdiction

pytestmark = pytest.mark.db

SRID = 4549
COMMUNITY = "330102001001"
START, TURN = date(2024, 1, 1), date(2025, 1, 1)
X0, Y0 = 520_000.0, 3_350_000.0
Frame = Callable[..., gpd.GeoDataFrame]


@pytest.fixture
def connection(db: Connection) -> psycopg.Connection[Any]:
    """Give the psycopg connection below the one that is rolled back."""
    found = db.connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found


@pytest.fixture
def place(connection: psycopg.Connection[Any]) -> Place:
    """Give a jurisdiction of 200 m by 200 m with one street and one community."""
    x, y = [X0, X0 + 200, X0 + 200, X0], [Y0, Y0, Y0 + 200, Y0 + 200]
    outline = shapely.Polygon(list(zip(*unproject(x, y, srid=SRID), strict=True)))
    number = write_jurisdiction(
        connection,
        code="330102",
        code_scheme="cn",
        name="试区",
        name_en="Test district",
        time_zone="Asia/Shanghai",
        srid=SRID,
        simulated=True,
        boundary=outline,
    )
    feed = ensure_feed(
        connection, jurisdiction_id=number, source="outline", title=None, licence=None
    )
    parent = None
    for level, code in (("street", "330102001"), ("community", COMMUNITY)):
        row = connection.execute(
            "INSERT INTO area (feed_id, source_ref, content_hash, jurisdiction_id, code_scheme, "
            "parent_id, level, code, name, geom) VALUES (%s, %s, 0, %s, 'cn', %s, %s, %s, %s, "
            "ST_Multi(ST_GeomFromWKB(%s, 4326))) RETURNING area_id",
            (feed, code, number, parent, level, code, code, shapely.to_wkb(outline)),
        ).fetchone()
        parent = row[0] if row else None
    return read_place(connection, "330102")


@pytest.fixture
def grids(four: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give the four grids where the jurisdiction is, the last one exclusive."""
    moved = four.assign(
        grid_kind=["basic", "basic", "basic", "exclusive"],
        host_unit=[None, None, None, "第一小学"],
        host_kind=[None, None, None, "school"],
        households=[400, 410, 420, 0],
    )
    return moved.set_geometry(moved.translate(X0, Y0))


@pytest.fixture
def stored(
    connection: psycopg.Connection[Any], place: Place, grids: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    write_grids(connection, grids, place, on=START)
    return read_grids(connection, place, on=START)


@pytest.fixture
def split(
    connection: psycopg.Connection[Any], place: Place, stored: gpd.GeoDataFrame, frame: Frame
) -> gpd.GeoDataFrame:
    """Split the first grid on 1 January 2025, 35 m from its western edge."""
    change = split_grid(
        stored.iloc[[0]],
        by=frame([shapely.LineString([(X0 + 35, Y0), (X0 + 35, Y0 + 300)])]),
        households=frame([shapely.Point(X0 + 20, Y0 + 150)] * 400),
        on=TURN,
        taken=read_codes(connection, place),
        srid=SRID,
    )
    assert apply_change(connection, change, place) == 2
    return change.begun


def test_grids_come_back_as_they_were_written(
    stored: gpd.GeoDataFrame, grids: gpd.GeoDataFrame
) -> None:
    columns = ["code", "parent_code", "grid_kind", "households", "host_unit", "host_kind"]
    for name in columns:
        assert stored[name].fillna("").tolist() == grids[name].fillna("").tolist()
    assert set(stored["valid_from"]) == {START}
    assert stored["valid_to"].isna().all()
    off = stored.geometry.symmetric_difference(grids.geometry, align=False).area
    assert off.max() < 1e-3


def test_stored_grids_pass_the_validation(
    connection: psycopg.Connection[Any], place: Place, stored: gpd.GeoDataFrame
) -> None:
    parents = read_parents(connection, place, on=START)
    found = validate_grids(stored, parents=parents, policy=HouseholdPolicy(), srid=SRID)
    assert found == []


def test_no_grids_are_an_empty_frame(connection: psycopg.Connection[Any], place: Place) -> None:
    assert read_grids(connection, place, on=START).empty
    assert read_codes(connection, place) == set()


def test_split_ends_the_old_code_and_begins_the_new_ones_on_its_day(
    connection: psycopg.Connection[Any], place: Place, split: gpd.GeoDataFrame
) -> None:
    before = read_grids(connection, place, on=date(2024, 12, 31))
    after = read_grids(connection, place, on=TURN)
    assert [code[-1] for code in before["code"]] == list("1234")
    assert [code[-1] for code in after["code"]] == list("23456")
    assert before["valid_to"].iloc[0] == TURN
    assert len(read_grids(connection, place, on=None)) == 6
    assert after.set_index("code")["households"][split["code"].iloc[0]] == 400
    assert after.union_all().area == pytest.approx(before.union_all().area)


def test_codes_of_ended_grids_are_remembered(
    connection: psycopg.Connection[Any], place: Place, split: gpd.GeoDataFrame
) -> None:
    assert len(split) == 2
    assert f"{COMMUNITY}001" in read_codes(connection, place)
    again = split.assign(code=[f"{COMMUNITY}001", f"{COMMUNITY}002"])
    with pytest.raises(ConflictError, match="used before"):
        write_grids(connection, again, place, on=TURN)


def test_change_of_a_grid_that_has_ended_is_refused(
    connection: psycopg.Connection[Any],
    place: Place,
    stored: gpd.GeoDataFrame,
    split: gpd.GeoDataFrame,
) -> None:
    late = merge_grids(
        stored.iloc[[0, 1]],
        on=date(2025, 5, 1),
        taken=[*stored["code"], *split["code"]],
        srid=SRID,
    )
    with pytest.raises(ConflictError, match=f"{COMMUNITY}001 has ended"):
        apply_change(connection, late, place)


def test_micro_grids_end_with_their_grid(
    connection: psycopg.Connection[Any], place: Place, stored: gpd.GeoDataFrame
) -> None:
    micro = stored.iloc[[0]].assign(
        code=f"{COMMUNITY}001-01", parent_code=f"{COMMUNITY}001", grid_kind="micro", households=60
    )
    write_grids(connection, micro, place, on=date(2024, 2, 1))
    pair = stored.iloc[[0, 1]]
    change = merge_grids(pair, on=TURN, taken=read_codes(connection, place), srid=SRID)
    apply_change(connection, change, place)
    then = read_grids(connection, place, on=date(2024, 12, 31))
    assert f"{COMMUNITY}001-01" in set(then["code"])
    assert "micro" not in set(read_grids(connection, place, on=TURN)["grid_kind"])


def test_grid_below_a_community_that_does_not_exist_is_refused(
    connection: psycopg.Connection[Any], place: Place, grids: gpd.GeoDataFrame
) -> None:
    lost = grids.assign(parent_code="330102001009", code=[f"33010200100900{n}" for n in range(4)])
    with pytest.raises(NotFoundError, match="330102001009 does not exist"):
        write_grids(connection, lost, place, on=START)


def test_carved_school_is_kept_with_its_host(
    connection: psycopg.Connection[Any], place: Place, stored: gpd.GeoDataFrame, frame: Frame
) -> None:
    ground = shapely.box(X0 + 40, Y0 + 140, X0 + 60, Y0 + 160)
    change = carve_exclusive(
        stored.iloc[[0]],
        exclusive=frame([ground], host_unit=["第二小学"], host_kind=["school"]),
        households=frame([shapely.Point(X0 + 10, Y0 + 110)] * 390),
        on=TURN,
        taken=read_codes(connection, place),
        srid=SRID,
    )
    assert apply_change(connection, change, place) == 2
    after = read_grids(connection, place, on=TURN)
    school = after[after["host_unit"] == "第二小学"]
    assert school["host_kind"].tolist() == ["school"]
    assert school.area.tolist() == pytest.approx([400], abs=1e-3)
    parents = read_parents(connection, place, on=TURN)
    assert validate_grids(after, parents=parents, policy=HouseholdPolicy(), srid=SRID) == []


def write_incident(
    connection: psycopg.Connection[Any], place: Place, ref: str, when: datetime, x: float, y: float
) -> None:
    """Write an incident in the first grid, as an import before the split would have done."""
    feed = ensure_feed(
        connection, jurisdiction_id=place.jurisdiction_id, source="desk", title=None, licence=None
    )
    classes = ensure_categories(connection, scheme="t", categories={"A": ("甲", "A", None)})
    connection.execute("SELECT ensure_incident_partitions(%s)", ([when.date()],))
    lon, lat = unproject([X0 + x], [Y0 + y], srid=SRID)
    connection.execute(
        "INSERT INTO incident (occurred_at, occurred_until, time_precision, feed_id, source_ref, "
        "category_id, found_by, geom, x_m, y_m, area_id, content_hash) VALUES (%s, %s, 'minute', "
        "%s, %s, %s, 'resident', ST_SetSRID(ST_MakePoint(%s, %s), 4326), %s, %s, "
        "(SELECT area_id FROM area WHERE code = %s), 0)",
        (when, when, feed, ref, classes["A"], lon[0], lat[0], X0 + x, Y0 + y, f"{COMMUNITY}001"),
    )


def grid_of(connection: psycopg.Connection[Any]) -> dict[str, str | None]:
    rows = connection.execute(
        "SELECT i.source_ref, a.code FROM incident i LEFT JOIN area a USING (area_id)"
    ).fetchall()
    return {ref: code and code[-1] for ref, code in rows}


def test_incidents_keep_the_grid_of_their_time_and_later_ones_are_tagged_anew(
    connection: psycopg.Connection[Any],
    place: Place,
    stored: gpd.GeoDataFrame,
    split: gpd.GeoDataFrame,
) -> None:
    assert len(stored) == 4
    assert len(split) == 2
    # 23:30 and 00:30 in Shanghai around the day of the split
    write_incident(connection, place, "eve", datetime(2024, 12, 31, 15, 30, tzinfo=UTC), 20, 150)
    write_incident(connection, place, "new", datetime(2024, 12, 31, 16, 30, tzinfo=UTC), 20, 150)
    write_incident(connection, place, "east", datetime(2025, 3, 1, tzinfo=UTC), 60, 150)
    write_incident(connection, place, "away", datetime(2025, 3, 1, tzinfo=UTC), 900, 900)
    write_incident(connection, place, "later", datetime(2025, 6, 1, tzinfo=UTC), 60, 150)
    changed = retag_incidents(connection, place, first=START, last=date(2025, 4, 1))
    assert changed == 3
    assert grid_of(connection) == {"eve": "1", "new": "5", "east": "6", "away": None, "later": "1"}
    assert retag_incidents(connection, place, first=START, last=date(2025, 4, 1)) == 0
