"""Posts are imported once, gaps and double posts are found, and stations are reached by road."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString
from sqlalchemy import Connection, text

from geo.errors import FormatError, InputError
from geo.network.build import make_network
from governance.posts.reach import share_within, walk_to_station
from governance.posts.rosters import import_roster
from governance.posts.staffing import staff_grids
from governance.posts.store import (
    read_least,
    read_on_duty,
    read_partners,
    read_staffing,
    read_vacancy_map,
    write_least,
    write_partner,
)

GRIDS = pd.DataFrame(
    {
        "area_id": [1, 2, 3], "code": ["a", "b", "c"], "name": ["甲", "乙", "丙"],
        "grid_kind": ["basic", "basic", "exclusive"],
    }
)  # fmt: skip


def posts(*rows: tuple[int, str, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["person_id", "role", "area_id"])
    return frame.assign(staff_no=frame["person_id"].map("P{}".format))


class TestStaffing:
    def test_one_person_of_two_grids_fills_both_and_counts_half_in_each(self) -> None:
        found = staff_grids(GRIDS, posts((7, "leader", 1), (7, "leader", 2)), least={"leader": 1})
        assert found.matrix["leader"].tolist() == [1, 1, 0]
        assert found.share["leader"].tolist() == [0.5, 0.5, 0.0]
        assert found.gaps.empty
        assert found.doubles[["staff_no", "posts", "grids"]].values.tolist() == [
            ["P7", 2, "甲、乙"]
        ]

    def test_grid_that_lacks_most_comes_first_and_exclusive_grids_lack_nothing(self) -> None:
        found = staff_grids(GRIDS, posts((7, "leader", 1)), least={"leader": 1, "police": 1})
        assert found.gaps[["name", "role"]].values.tolist() == [
            ["乙", "leader"], ["乙", "police"], ["甲", "police"],
        ]  # fmt: skip

    def test_role_of_the_districts_own_is_shown_without_being_needed(self) -> None:
        found = staff_grids(GRIDS, posts((1, "beekeeper", 1)), least={"leader": 0})
        assert found.matrix["beekeeper"].tolist() == [1, 0, 0]
        assert found.gaps.empty
        assert staff_grids(GRIDS, posts(), least={"leader": 1}).gaps["name"].tolist() == [
            "甲",
            "乙",
        ]


class TestReach:
    """A street along x with a detour: (0,0) - (400,0) - (400,300) - (0,300)."""

    NETWORK = make_network(
        gpd.GeoDataFrame(
            {"kind": ["residential"] * 3},
            geometry=[
                LineString([(0, 0), (400, 0)]), LineString([(400, 0), (400, 300)]),
                LineString([(400, 300), (0, 300)]),
            ],
            crs="EPSG:4549",
        )
    )  # fmt: skip

    def test_way_goes_along_the_road_and_not_across(self) -> None:
        homes = np.array([[0.0, 10.0], [0.0, 290.0], [390.0, 5.0]])
        stations = np.array([[100.0, 0.0]])
        assert walk_to_station(self.NETWORK, homes, stations) == pytest.approx(
            [110.0, 300 + 300 + 400 + 10.0, 295.0]
        )

    def test_nearest_of_several_stations_counts_and_their_own_way_to_the_road(self) -> None:
        homes = np.array([[200.0, 0.0]])
        stations = np.array([[0.0, 0.0], [300.0, -20.0]])
        assert walk_to_station(self.NETWORK, homes, stations) == pytest.approx([120.0])

    def test_without_a_station_nothing_is_in_reach(self) -> None:
        far = walk_to_station(self.NETWORK, np.array([[1.0, 1.0]]), np.zeros((0, 2)))
        assert np.isinf(far).all()

    def test_share_weighs_households_and_is_none_without_any(self) -> None:
        shares = share_within(
            np.array([10.0, 30.0, 0.0]), np.array([500.0, 501.0, 1.0]), np.array([1, 1, 2])
        )
        assert shares == {1: 0.25, 2: None}
        with pytest.raises(InputError, match="some metres"):
            share_within(np.ones(1), np.ones(1), np.ones(1, int), reach_m=0)


@pytest.mark.db
class TestRosters:
    @pytest.fixture
    def unit(self, db: Connection, place) -> None:
        db.execute(
            text(
                "INSERT INTO unit (feed_id, source_ref, content_hash, kind, name, headcount, "
                "area_id) SELECT feed_id, 'U-1', 0, 'foot', '一队', 2, :a FROM feed "
                "WHERE jurisdiction_id = :j"
            ),
            {"a": place.areas["grid"], "j": place.jurisdiction},
        )

    def take(self, db, place, tmp_path: Path, kind: str, *lines: str):
        file = tmp_path / f"{kind}.csv"
        file.write_text("\n".join(lines), "utf-8")
        return import_roster(db, place.jurisdiction, file, kind=kind)

    def test_files_go_in_once_and_staff_the_grid(self, db, place, unit, tmp_path: Path) -> None:
        for again in (False, True):
            people = self.take(db, place, tmp_path, "people", "工号,职务", "P1,网格长", "P2,民警")
            held = self.take(
                db, place, tmp_path, "posts", "staff_no,role,area_code,unit_ref,valid_from",
                "P1,grid_leader,grid,U-1,2026-01-01", "P2,police,grid,,2026-01-01",
            )  # fmt: skip
            shifts = self.take(
                db, place, tmp_path, "shifts", "unit_ref,starts_at,ends_at",
                "U-1,2026-03-03 08:00,2026-03-03 12:00", "U-1,2026-03-03 20:00,2026-03-04 02:00",
            )  # fmt: skip
            for made, number in ((people, 2), (held, 2), (shifts, 2)):
                assert (made.new, made.same, made.bad) == (
                    (0, number, ()) if again else (number, 0, ())
                )
        found = read_staffing(db, place.jurisdiction, on=date(2026, 3, 3))
        assert found.matrix[["grid_leader", "police"]].values.tolist() == [[1, 1]]
        assert sorted(found.gaps["role"]) == ["grid_officer", "instructor", "mediator", "safety"]
        before = read_staffing(db, place.jurisdiction, on=date(2025, 3, 3))
        assert before.matrix.to_numpy().sum() == 0
        at = datetime(2026, 3, 4, 1, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
        assert read_on_duty(db, place.jurisdiction, at=at)["unit"].tolist() == ["一队"]
        vacancy = read_vacancy_map(db, place.jurisdiction, on=date(2026, 3, 3))
        assert vacancy[["vacant"]].values.tolist() == [[4]]

    @pytest.mark.parametrize(
        ("kind", "line", "reason", "field"),
        [
            ("people", ",x", "missing_value", "staff_no"),
            ("posts", "P9,police,grid,,2026-01-01", "unknown_value", "staff_no"),
            ("posts", "P1,police,moon,,2026-01-01", "unknown_area", "area_code"),
            ("posts", "P1,police,,,2026-01-01", "missing_value", "area_code"),
            ("posts", "P1,police,grid,,31.12.26", "not_a_date", "valid_from"),
            ("shifts", "U-1,2026-03-03 12:00,2026-03-03 08:00", "ends_before_start", "ends_at"),
            ("shifts", "U-9,2026-03-03 12:00,2026-03-03 18:00", "unknown_value", "unit_ref"),
            ("shifts", "U-1,2026-03-05 11:00,2026-03-05 13:00", "duplicate_ref", "starts_at"),
        ],
    )
    def test_bad_row_is_kept_with_its_reason(
        self, db, place, unit, tmp_path: Path, kind, line, reason, field
    ) -> None:
        self.take(db, place, tmp_path, "people", "staff_no", "P1")
        self.take(db, place, tmp_path, "shifts", "unit_ref,starts_at,ends_at",
                  "U-1,2026-03-05 08:00,2026-03-05 12:00")  # fmt: skip
        heads = {"people": "staff_no,title", "shifts": "unit_ref,starts_at,ends_at",
                 "posts": "staff_no,role,area_code,unit_ref,valid_from"}  # fmt: skip
        made = self.take(db, place, tmp_path, kind, heads[kind], line)
        assert [(row.reason, row.field) for row in made.bad] == [(reason, field)]
        kept = db.execute(text("SELECT reason, field FROM quarantine")).all()
        assert [tuple(row) for row in kept] == [(reason, field)]

    def test_post_that_ends_is_changed_and_overlap_is_refused(
        self, db, place, tmp_path: Path
    ) -> None:
        self.take(db, place, tmp_path, "people", "staff_no", "P1")
        head = "staff_no,role,area_code,valid_from,valid_to"
        self.take(db, place, tmp_path, "posts", head, "P1,police,grid,2026-01-01,")
        ended = self.take(db, place, tmp_path, "posts", head,
                          "P1,police,grid,2026-01-01,2026-02-01",
                          "P1,police,grid,2026-01-15,")  # fmt: skip
        assert (ended.changed, [row.reason for row in ended.bad]) == (1, ["duplicate_ref"])

    def test_file_without_its_column_is_refused(self, db, place, tmp_path: Path) -> None:
        with pytest.raises(FormatError, match="no column for staff_no"):
            self.take(db, place, tmp_path, "people", "name", "x")
        with pytest.raises(InputError, match="'pets' is no roster"):
            self.take(db, place, tmp_path, "pets", "name", "x")

    def test_district_says_how_many_it_needs(self, db, place) -> None:
        write_least(db, place.jurisdiction, {"mediator": 0, "beekeeper": 2})
        least = read_least(db, place.jurisdiction)
        assert (least["mediator"], least["beekeeper"], least["grid_leader"]) == (0, 2, 1)
        with pytest.raises(InputError, match="0 to 100"):
            write_least(db, place.jurisdiction, {"mediator": 101})

    def test_partners_are_found_near_a_point(self, db, place) -> None:
        common = {"name_en": "x", "kind": "social"}
        write_partner(db, place.jurisdiction, code="a", name="近", lon=116.4, lat=39.9, **common)
        write_partner(db, place.jurisdiction, code="b", name="远", lon=116.45, lat=39.9, **common)
        write_partner(db, place.jurisdiction, code="c", name="无址", **common)
        near = read_partners(db, place.jurisdiction, near=(116.4, 39.9), within_m=1000)
        assert near["name"].tolist() == ["近"]
        assert len(read_partners(db, place.jurisdiction)) == 3
        with pytest.raises(InputError, match="no kind of partner"):
            write_partner(db, place.jurisdiction, code="d", name="x", name_en="x", kind="cat")
