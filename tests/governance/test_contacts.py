"""A reporter's contact is sealed, opened with a reason and a record, and purged in time."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from geo.errors import ConflictError, InputError, NotFoundError
from governance.case_store import move_case
from governance.cases.steps import Step
from governance.intake.contacts import (
    ContactSettings,
    count_contacts,
    has_contact,
    keep_contact,
    open_contact,
    purge_contacts,
)
from governance.intake.filing import file_report, refuse_report
from governance.intake.reports import NewReport, take_report
from governance.intake.sealing import Contact, make_key, read_keys, seal, unseal

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
ANN = Contact("王女士", "13800000000", "晚上七点后")


class TestSealing:
    def test_contact_comes_out_as_it_went_in_and_is_not_readable_between(self) -> None:
        keys, report = read_keys(make_key()), uuid4()
        sealed = seal(ANN, report, keys)
        assert b"138" not in sealed
        assert "王".encode() not in sealed
        assert unseal(sealed, report, keys.key_id, keys) == ANN
        assert seal(ANN, report, keys) != sealed

    def test_contact_of_one_report_does_not_open_for_another(self) -> None:
        keys, report = read_keys(make_key()), uuid4()
        with pytest.raises(ConflictError, match="was changed since"):
            unseal(seal(ANN, report, keys), uuid4(), keys.key_id, keys)

    def test_changed_byte_is_noticed(self) -> None:
        keys, report = read_keys(make_key()), uuid4()
        sealed = bytearray(seal(ANN, report, keys))
        sealed[20] ^= 1
        with pytest.raises(ConflictError, match="was changed since"):
            unseal(bytes(sealed), report, keys.key_id, keys)

    def test_older_key_still_opens_and_a_missing_one_is_named(self) -> None:
        old, new = make_key(), make_key()
        report = uuid4()
        sealed = seal(ANN, report, read_keys(old))
        old_id = read_keys(old).key_id
        assert unseal(sealed, report, old_id, read_keys(new, old)) == ANN
        with pytest.raises(NotFoundError, match="GRIDBEAT_CONTACT_OLD_KEYS"):
            unseal(sealed, report, old_id, read_keys(new))

    @pytest.mark.parametrize(
        "key", ["secret", "", "é", urlsafe_b64encode(bytes(32)).decode(), "A" * 43 + "="]
    )
    def test_key_that_is_none_is_refused(self, key: str) -> None:
        with pytest.raises(InputError, match="32 random bytes"):
            read_keys(key)

    def test_without_a_key_nothing_is_kept(self) -> None:
        with pytest.raises(InputError, match="gridbeat contacts key"):
            ContactSettings(key=None).keys()
        assert ContactSettings(key=SecretStr(make_key())).keys().key_id

    def test_empty_or_endless_contact_is_refused(self) -> None:
        with pytest.raises(InputError, match="a name or a telephone number"):
            Contact(" ", "")
        with pytest.raises(InputError, match="longer than 200"):
            Contact("x" * 201)


@pytest.mark.db
class TestKeeping:
    @pytest.fixture
    def keys(self):
        return read_keys(make_key())

    def report(self, db: Connection, place) -> UUID:
        new = NewReport(uuid4(), "hotline", NOON, NOON, "垃圾成堆", 116.4, 39.9, "desk")
        return take_report(db, place.jurisdiction, new)

    def keep(self, db: Connection, place, keys) -> UUID:
        report = self.report(db, place)
        keep_contact(db, report, ANN, keys=keys, actor="desk", at=NOON)
        return report

    def due(self, db: Connection, days: int) -> int:
        return count_contacts(db, now=NOON + timedelta(days=days), keep_days=30).due

    def test_opening_is_written_down_with_who_and_why(self, db, place, keys) -> None:
        report = self.keep(db, place, keys)
        assert has_contact(db, [report, uuid4()]) == {report}
        found = open_contact(db, report, keys=keys, actor="lin", reason="call back 回访")
        assert found == ANN
        rows = db.execute(text("SELECT action, actor, reason FROM contact.journal ORDER BY 1"))
        assert [tuple(row) for row in rows] == [
            ("kept", "desk", "intake"), ("opened", "lin", "call back 回访"),
        ]  # fmt: skip

    def test_opening_needs_a_reason_and_a_contact(self, db, place, keys) -> None:
        report = self.report(db, place)
        with pytest.raises(InputError, match="say why"):
            open_contact(db, report, keys=keys, actor="lin", reason=" ")
        with pytest.raises(NotFoundError, match="no contact is kept"):
            open_contact(db, report, keys=keys, actor="lin", reason="x")
        with pytest.raises(NotFoundError, match="there is no report"):
            keep_contact(db, uuid4(), ANN, keys=keys, actor="desk", at=NOON)

    def test_no_role_reads_sealed_contacts_past_the_journal(self, db, place, keys) -> None:
        self.keep(db, place, keys)
        with pytest.raises(DBAPIError, match="permission denied"):
            db.execute(text("SELECT sealed FROM contact.reporter"))

    def test_journal_is_not_changed(self, owner_db: Connection) -> None:
        owner_db.execute(
            text("INSERT INTO contact.journal (action, report_id, actor, reason) VALUES "
                 "('kept', gen_random_uuid(), 'a', 'b')")
        )  # fmt: skip
        with pytest.raises(DBAPIError, match="never changed"):
            owner_db.execute(text("DELETE FROM contact.journal"))

    def test_contact_goes_thirty_days_after_the_end_and_not_before(
        self, db, place, clock, keys
    ) -> None:
        report = self.keep(db, place, keys)
        refuse_report(db, report, outcome="duplicate", reason="the same", actor="desk",
                      at=NOON + timedelta(days=2), clock=clock)  # fmt: skip
        assert (self.due(db, 31), self.due(db, 33)) == (0, 1)
        late = NOON + timedelta(days=33)
        assert purge_contacts(db, now=late, keep_days=30, actor="job") == 1
        assert purge_contacts(db, now=late, keep_days=30, actor="job") == 0
        assert count_contacts(db, now=late, keep_days=30).kept == 0
        last = db.execute(text("SELECT action, actor FROM contact.journal ORDER BY entry_id DESC"))
        assert tuple(last.first()) == ("purged", "job")

    def test_contact_of_an_open_case_stays_and_counts_from_the_call_back(
        self, db, place, clock, keys
    ) -> None:
        report = self.keep(db, place, keys)
        case = file_report(db, report, category_id=place.category, actor="desk", at=NOON,
                           clock=clock)  # fmt: skip
        steps = (
            ("dispatch", {"department_id": place.department}), ("receive", {}), ("start", {}),
            ("resolve", {"evidence": ("a",)}), ("check", {}), ("close", {"evidence": ("a",)}),
        )  # fmt: skip
        for number, (action, given) in enumerate(steps):
            actor = "checker" if action in {"check", "close"} else "officer"
            at = NOON + timedelta(hours=number)
            move_case(db, case.case_id, Step(action, actor, at, uuid4(), **given), clock=clock)
            if action != "close":
                assert self.due(db, 400) == 0
        assert self.due(db, 31) == 1
        called = Step("call_back", "desk", NOON + timedelta(days=9), uuid4(),
                      satisfaction="satisfied")  # fmt: skip
        move_case(db, case.case_id, called, clock=clock)
        assert (self.due(db, 31), self.due(db, 40)) == (0, 1)
