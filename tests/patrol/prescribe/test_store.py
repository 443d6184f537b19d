"""A district's prescriptions are versions: from a day on, by a named person, for a reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from geo.errors import InputError, NotFoundError
from patrol.prescribe.files import shipped
from patrol.prescribe.store import (
    in_force,
    read_history,
    read_prescriptions,
    write_prescription,
)

pytestmark = pytest.mark.db
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)


@pytest.fixture
def place(db):
    return db.execute(
        text(
            "INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone) VALUES "
            "('990101', '模拟区', 'Demo', ST_Multi(ST_MakeEnvelope(0, 0, 1, 1, 4326)), 4549, "
            "'Asia/Shanghai') RETURNING jurisdiction_id"
        )
    ).scalar_one()


def write(db, place, item, *, day, **more):
    given = {"person": "李主任", "reason": "居民反映晚间更多", "now": NOW} | more
    return write_prescription(db, place, item, valid_from=day, **given)


def test_the_shipped_stand_until_a_version_begins(db, place):
    dump = shipped()["0102"]
    longer = replace(dump, dwell_min=25)
    assert write(db, place, longer, day=JULY) == 1
    assert in_force(db, place, day=JUNE)["0102"] == dump
    assert in_force(db, place, day=JULY)["0102"] == longer
    assert read_prescriptions(db, place, day=JULY)["0102"].changed_by == "李主任"


def test_saying_what_stands_writes_nothing(db, place):
    assert write(db, place, shipped()["0102"], day=JUNE) is None
    write(db, place, replace(shipped()["0102"], dwell_min=25), day=JUNE)
    assert write(db, place, replace(shipped()["0102"], dwell_min=25), day=JULY) is None


def test_history_keeps_every_version_and_days_never_run_backwards(db, place):
    dump = shipped()["0102"]
    write(db, place, replace(dump, dwell_min=25), day=JUNE)
    write(db, place, replace(dump, means=("foot",)), day=JULY)
    history = read_history(db, place, "0102")
    assert [(one.version, one.valid_from) for one in history] == [(0, None), (1, JUNE), (2, JULY)]
    with pytest.raises(InputError, match="has a version from 2026-07-01 on"):
        write(db, place, dump, day=JUNE)
    with pytest.raises(NotFoundError, match="never had a prescription"):
        read_history(db, place, "9999")


def test_a_retired_one_falls_back_to_its_group(db, place):
    write(db, place, shipped()["0102"], day=JUNE, retired=True)
    assert "0102" not in in_force(db, place, day=JUNE)
    assert "01" in in_force(db, place, day=JUNE)


@pytest.mark.parametrize("blank", [{"person": " "}, {"reason": ""}])
def test_nobody_changes_one_without_name_and_reason(db, place, blank):
    with pytest.raises(InputError, match="named person who says why"):
        write(db, place, replace(shipped()["0102"], dwell_min=25), day=JUNE, **blank)


def test_a_version_is_never_changed(db, place):
    write(db, place, replace(shipped()["0102"], dwell_min=25), day=JUNE)
    with pytest.raises(ProgrammingError, match="permission denied"):
        db.execute(text("UPDATE prescription SET dwell_min = 1"))
