"""An account that is somebody's: areas come from the posts, and the demo's officers have both."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.pool import NullPool

from geo.database.connect import make_engine
from geo.errors import NotFoundError
from tests.web.conftest import Service
from tests.web.posts.ground import add_people
from web.auth.accounts import find_account
from web.auth.first import ensure_administrator
from web.auth.passwords import Passwords
from web.auth.staff import areas_of_staff, link_staff
from web.demo_accounts import make_demo_accounts

pytestmark = pytest.mark.db
TODAY = date(2026, 6, 1)


def test_officers_areas_come_from_posts_and_the_demo_makes_each_account_once(
    own_service: Service,
) -> None:
    add_people(own_service.database)
    engine = make_engine(own_service.database, pool=NullPool)
    with engine.begin() as connection:
        assert areas_of_staff(connection, "S1", on=TODAY) == ("w1", "w2")
        with pytest.raises(NotFoundError, match="holds no post on 2025-12-31"):
            areas_of_staff(connection, "S1", on=date(2025, 12, 31))
        with pytest.raises(NotFoundError, match="nobody has the staff number"):
            link_staff(connection, 1, "S77")
        _make_officers(connection)
        told: list[str] = []
        make_demo_accounts(connection, on=TODAY, say=lambda _, said: told.append(said))
        make_demo_accounts(connection, on=TODAY, say=lambda _, said: told.append(said))
        assert len(told) == 1
        assert [line.split()[:2] for line in told[0].splitlines()[1:]][-1] == ["lh0062", "officer"]
        row = connection.execute(
            text(
                "SELECT n.staff_no, d.code, a.must_change, (SELECT string_agg(code, ' ' ORDER BY "
                "code) FROM account_area JOIN area USING (area_id) WHERE account_id = a.account_id)"
                " AS areas FROM account a JOIN person n USING (person_id) JOIN account_department "
                "USING (account_id) JOIN department d USING (department_id) WHERE login = 'lh0061'"
            )
        ).one()
        assert tuple(row) == ("LH0061", "grid", True, "e1")
        link_staff(connection, find_account(connection, "officer"), "S2")
    officer = own_service.client(headers=own_service.bearer("officer"))
    mine = {(post["area"], post["role"]): post["mine"]
            for post in officer.get("/api/v1/field/today").json()["posts"]}  # fmt: skip
    assert mine == {("w1", "grid_leader"): False, ("w2", "grid_leader"): False,
                    ("e1", "grid_officer"): True, ("e2", "grid_officer"): False}  # fmt: skip
    with engine.begin() as connection:
        # Accounts without an administrator do not keep one from being made.
        connection.execute(text("DELETE FROM account_role WHERE role = 'administrator'"))
        assert ensure_administrator(connection, Passwords(at_once=1)) is not None
        assert ensure_administrator(connection, Passwords(at_once=1)) is None
    engine.dispose()


def _make_officers(connection: Connection) -> None:
    for number, area in (("LH0061", "e1"), ("LH0062", "e2")):
        connection.execute(
            text(
                "WITH one AS (INSERT INTO person (jurisdiction_id, staff_no) VALUES (1, :no) "
                "RETURNING person_id) INSERT INTO post (person_id, role, area_id) "
                "SELECT person_id, 'grid_officer', area_id FROM one, area WHERE code = :area"
            ),
            {"no": number, "area": area},
        )
    connection.execute(
        text(
            "INSERT INTO department (jurisdiction_id, code, name, name_en, level) "
            "VALUES (1, 'grid', '网格服务队', 'Grid teams', 'grid')"
        )
    )
