"""Airspace zones with their times and drones come in; what cannot be is kept aside."""

from __future__ import annotations

import pytest

from geo.imports.mapping import make_mapping
from tests.geo.imports.conftest import EAST, NORTH, SOUTH, WEST, Desk, feature, square

pytestmark = pytest.mark.db
ZONES = make_mapping(
    {
        "kind": "airspace",
        "source": "air",
        "columns": {
            "source_ref": "id", "kind": "kind", "name": "name", "floor_m": "floor",
            "ceiling_m": "ceiling", "valid_from": "begins", "valid_to": "ends",
        },
    }
)  # fmt: skip
SHAPE = square(WEST, SOUTH, (WEST + EAST) / 2, NORTH)


def zone(number: str, **facts: object) -> dict[str, object]:
    given = {"id": number, "kind": "temporary", "name": "Race", "floor": None, "ceiling": None,
             "begins": None, "ends": None}  # fmt: skip
    return feature(SHAPE, **(given | facts))


def test_zones_keep_their_times_and_an_empty_one_means_always(desk: Desk) -> None:
    zones = [
        zone("A", begins="2025-11-08 06:00", ends="2025-11-08 12:00"),
        zone("B", kind="airport", floor=60.0, ceiling=500.0),
    ]
    file = desk.geojson(zones)
    assert desk.take(file, ZONES).new == 2
    assert desk.take(file, ZONES).new == 0
    found = desk.rows(
        "SELECT kind, floor_m, ceiling_m, extract(epoch FROM valid_to - valid_from)::int "
        "FROM airspace_zone WHERE valid_to < 'infinity'"
    )
    assert found == [("temporary", 0.0, None, 6 * 3600)]
    begins = desk.one("SELECT valid_from AT TIME ZONE 'America/Chicago' FROM airspace_zone "
                      "WHERE source_ref = 'A'")  # fmt: skip
    assert str(begins) == "2025-11-08 06:00:00"
    always = "SELECT source_ref FROM airspace_zone WHERE valid_from = '-infinity'"
    assert desk.rows(f"{always} AND valid_to = 'infinity' AND floor_m = 60") == [("B",)]


def test_zones_that_end_before_they_begin_or_are_of_no_kind_are_kept_aside(desk: Desk) -> None:
    zones = [
        zone("A", begins="2025-11-08 12:00", ends="2025-11-08 06:00"),
        zone("B", kind="volcano"),
        zone("C", ends="next week"),
    ]
    assert desk.take(desk.geojson(zones), ZONES).new == 0
    reasons = {reason for *_, reason in desk.bad_rows()}
    assert reasons == {"ends_before_start", "unknown_value", "not_a_time"}


def test_drones_come_in_with_their_base(desk: Desk) -> None:
    rows = [
        {"id": "U1", "name": "One", "class": "light", "speed": 10, "lasts": 1800, "relay": "yes",
         "lon": WEST + 0.01, "lat": SOUTH + 0.01},
        {"id": "U2", "name": "Two", "class": "huge", "speed": 0, "lasts": 1800, "relay": "no",
         "lon": WEST + 0.01, "lat": SOUTH + 0.01},
    ]  # fmt: skip
    plan = make_mapping(
        {
            "kind": "drones",
            "source": "fleet",
            "columns": {
                "source_ref": "id", "name": "name", "size_class": "class", "speed_m_s": "speed",
                "endurance_s": "lasts", "network_relay": "relay", "x": "lon", "y": "lat",
            },
        }
    )  # fmt: skip
    assert desk.take(desk.csv(rows, "fleet.csv"), plan).new == 1
    assert desk.rows("SELECT name, network_relay, round(ST_X(geom)::numeric, 4)::float FROM drone") == [
        ("One", True, round(WEST + 0.01, 4))
    ]  # fmt: skip
