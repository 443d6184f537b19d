"""A plan's items are by area, shift and kind of unit; old plans keep their hours."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from geo.database.connect import Database, make_owner_engine
from geo.database.schema import downgrade, migrate
from geo.errors import InputError
from patrol.row_store import read_rows, read_shifts, sum_rows, write_rows, write_shifts
from patrol.shifts import parse_shifts, whole_day

pytestmark = pytest.mark.db
DAY = date(2026, 11, 23)
SHANGHAI = ZoneInfo("Asia/Shanghai")
SHIFTS = parse_shifts(["08:00-16:00=早班/early", "16:00-24:00=晚班/late"], day=DAY, zone=SHANGHAI)

FOUND = """
WITH j AS (
    INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone, simulated)
    VALUES ('990101', '模拟区', 'Demo', ST_Multi(ST_MakeEnvelope(0, 0, 1, 1, 4326)), 4549,
            'Asia/Shanghai', true) RETURNING jurisdiction_id
), f AS (
    INSERT INTO feed (jurisdiction_id, source) SELECT jurisdiction_id, 'grids' FROM j
    RETURNING feed_id, jurisdiction_id
), a AS (
    INSERT INTO area (jurisdiction_id, feed_id, source_ref, content_hash, code, name, level,
                      grid_kind, geom)
    SELECT jurisdiction_id, feed_id, c, 0, c, c, 'grid', 'basic',
           ST_Multi(ST_MakeEnvelope(0, 0, 1, 1, 4326))
    FROM f, (VALUES ('g1'), ('g2')) AS t (c) RETURNING area_id
), p AS (
    INSERT INTO plan (jurisdiction_id, plan_date, version, hours, parameters, code_version)
    SELECT jurisdiction_id, '2026-11-23', 1, 3.5, '{}', 'test' FROM j RETURNING plan_id
) SELECT p.plan_id, array_agg(a.area_id ORDER BY a.area_id) AS areas
FROM p, a GROUP BY p.plan_id
"""


@pytest.fixture
def founded(db):
    return db.execute(text(FOUND)).one()


def rows(areas, *given):
    return pd.DataFrame(
        [
            {
                "area_id": areas[area], "shift_no": shift, "unit_kind": kind, "minutes": minutes,
                "reason": {"unknown": area == 1, "explore_h": minutes / 240},
                "reason_zh": f"{minutes}分", "reason_en": f"{minutes} min",
            }
            for area, shift, kind, minutes in given
        ],
        columns=["area_id", "shift_no", "unit_kind", "minutes", "reason", "reason_zh", "reason_en"],
    )  # fmt: skip


def test_rows_and_shifts_come_back_as_they_went_in(db, founded):
    given = rows(founded.areas, (0, 1, "foot", 60), (0, 2, "drone", 15), (1, 2, "foot", 0))
    assert write_shifts(db, founded.plan_id, SHIFTS) == 2
    assert write_rows(db, founded.plan_id, given) == 3
    assert read_shifts(db, founded.plan_id) == SHIFTS
    found = read_rows(db, founded.plan_id)
    assert found["code"].tolist() == ["g1", "g1", "g2"]
    pd.testing.assert_frame_equal(found.drop(columns="code"), given)


def test_writing_again_replaces_the_items(db, founded):
    write_shifts(db, founded.plan_id, SHIFTS)
    write_rows(db, founded.plan_id, rows(founded.areas, (0, 1, "foot", 60), (1, 1, "foot", 30)))
    write_rows(db, founded.plan_id, rows(founded.areas, (0, 2, "volunteer", 45)))
    found = read_rows(db, founded.plan_id)
    assert found[["shift_no", "unit_kind", "minutes"]].values.tolist() == [[2, "volunteer", 45]]


def test_an_area_sums_its_rows_and_says_who_goes_when(founded):
    given = rows(founded.areas, (0, 1, "foot", 60), (0, 2, "drone", 15), (1, 2, "foot", 30))
    found = sum_rows(given, SHIFTS).loc[founded.areas]
    assert found["hours"].tolist() == [1.25, 0.5]
    assert found["explore_h"].tolist() == [0.3125, 0.125]
    assert found["unknown"].tolist() == [False, True]
    both, one = found["reason_en"]
    assert both == "1.25 h (early on foot 1.00, late by drone 0.25). 60 min"
    assert found["reason_zh"].iloc[0] == "共1.25小时（早班步巡1.00、晚班无人机0.25）。60分"
    assert one == "30 min"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([(0, 1, "foot", 60), (0, 1, "foot", 30)], "comes twice"),
        ([(0, 1, "horse", 60)], "no kind of unit; there are foot"),
        ([(0, 1, "foot", -15)], "whole number of at least 0"),
        ([(0, 1, "foot", 7.5)], "whole number of at least 0"),
    ],
)
def test_rows_that_cannot_be_are_refused(db, founded, given, words):
    with pytest.raises(InputError, match=words):
        write_rows(db, founded.plan_id, rows(founded.areas, *given))
    with pytest.raises(InputError, match="lack the column 'minutes'"):
        write_rows(db, founded.plan_id, rows(founded.areas).drop(columns="minutes"))
    with pytest.raises(InputError, match="each its own number"):
        write_shifts(db, founded.plan_id, [])


def test_an_item_names_a_shift_of_its_own_plan(db, founded):
    write_shifts(db, founded.plan_id, [whole_day(DAY, SHANGHAI)])
    with pytest.raises(IntegrityError, match="fk_plan_item_plan_id_shift_no_plan_shift"):
        write_rows(db, founded.plan_id, rows(founded.areas, (0, 2, "foot", 60)))


def test_a_plan_of_before_keeps_its_hours_up_and_down(fresh_database: Database) -> None:
    downgrade(fresh_database, target="0010")
    with make_owner_engine(fresh_database).begin() as owner:
        old = owner.execute(text(FOUND)).one()
        owner.execute(
            text(
                "INSERT INTO plan_item (plan_id, area_id, minutes, reason, reason_zh, reason_en) "
                "VALUES (:plan, :a, 90, '{\"unknown\": false}', '甲', 'one'), "
                "(:plan, :b, 120, '{}', '乙', 'two')"
            ),
            {"plan": old.plan_id, "a": old.areas[0], "b": old.areas[1]},
        )
    migrate(fresh_database, target="0012")  # before plans were written once and for all
    with make_owner_engine(fresh_database).begin() as owner:
        (shift,) = read_shifts(owner, old.plan_id)
        assert (shift.starts_at, shift.hours) == (datetime(2026, 11, 22, 16, tzinfo=UTC), 24.0)
        found = read_rows(owner, old.plan_id)
        assert found[["shift_no", "unit_kind", "minutes"]].values.tolist() == [
            [1, "foot", 90], [1, "foot", 120],
        ]  # fmt: skip
        write_shifts(owner, old.plan_id, SHIFTS[1:])
        more = rows(old.areas, (0, 1, "foot", 90), (0, 2, "drone", 150), (1, 1, "foot", 120))
        write_rows(owner, old.plan_id, more)
    downgrade(fresh_database, target="0010")
    with make_owner_engine(fresh_database).begin() as owner:
        left = owner.execute(text("SELECT minutes, reason_en FROM plan_item ORDER BY area_id"))
        assert left.all() == [(240, "150 min"), (120, "120 min")]
    migrate(fresh_database)
