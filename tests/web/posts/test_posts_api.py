"""Posts, duty, stations and partners over HTTP: who may, what is refused in words, what is logged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from sqlalchemy.exc import ProgrammingError

from geo.database.connect import Database, connect
from tests.web.conftest import Service, serving
from tests.web.posts.ground import add_people
from web.database import EVERYTHING

pytestmark = pytest.mark.db
TODAY = date.today()  # noqa: DTZ011 - a validity
POST = {"staff_no": "S2", "role": "mediator", "area_code": "w1", "begin": str(TODAY),
        "reason": "顶岗"}  # fmt: skip


@pytest.fixture(scope="module")
def staffed(server: Database, template: Database) -> Iterator[Service]:
    with serving(server, template) as running:
        add_people(running.database)
        yield running


@pytest.fixture
def supervisor(staffed: Service) -> httpx.Client:
    return staffed.client(headers=staffed.bearer("supervisor"))


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_matrix_shows_gaps_and_who_holds_several_posts(supervisor: httpx.Client) -> None:
    found = supervisor.get("/api/v1/posts").json()
    held = {grid["code"]: grid["held"] for grid in found["grids"]}
    assert held["w1"]["grid_leader"] == held["w2"]["grid_leader"] == 1
    assert {(gap["code"], gap["role"]) for gap in found["gaps"]} >= {
        ("e1", "grid_leader"), ("w1", "grid_officer"), ("e2", "police"),
    }  # fmt: skip
    assert [(one["staff_no"], one["posts"]) for one in found["doubles"]] == [("S1", 2)]
    leader = next(role for role in found["roles"] if role["role"] == "grid_leader")
    assert (leader["people"], leader["grids"], leader["gaps"]) == (1, 2, 2)
    assert supervisor.get("/api/v1/posts", params={"on": "2025-12-31"}).json()["doubles"] == []

    shapes = supervisor.get("/api/v1/posts/vacancies").json()["features"]
    grids = {one["properties"]["code"]: one["properties"] for one in shapes
             if "vacant" in one["properties"]}  # fmt: skip
    assert grids["e2"]["vacant"] == grids["w1"]["vacant"] + 1
    assert "grid_officer" in grids["e2"]["roles"]
    assert any(one["properties"].get("kind") == "station" for one in shapes)


def test_post_is_given_ended_and_both_are_logged(
    staffed: Service, supervisor: httpx.Client
) -> None:
    made = supervisor.post("/api/v1/posts", json=POST)
    assert made.status_code == 201, made.text
    number = made.json()["post_id"]
    assert told(supervisor.post("/api/v1/posts", json=POST)) == (409, "post-held")
    team = supervisor.get("/api/v1/posts/grids/w1").json()["posts"]
    assert [(one["staff_no"], one["role"]) for one in team] == [
        ("S1", "grid_leader"), ("S2", "mediator"),
    ]  # fmt: skip
    assert team[0]["elsewhere"] == ["w2"]
    assert supervisor.get("/api/v1/posts").json()["grids"][2]["held"]["mediator"] == 1

    later = str(TODAY + timedelta(days=5))
    way = f"/api/v1/posts/{number}/end"
    early = supervisor.post(way, json={"on": str(TODAY), "reason": "x"})
    assert told(early) == (400, "ends-before-start")
    assert supervisor.post(way, json={"on": later, "reason": "调离"}).status_code == 200
    assert told(supervisor.post(way, json={"on": later, "reason": "x"})) == (409, "post-ended")
    after = supervisor.get("/api/v1/posts/grids/w1", params={"on": later}).json()["posts"]
    assert [one["staff_no"] for one in after] == ["S1"]
    with connect(staffed.database) as connection:
        logged = connection.execute(
            "SELECT action, object, details ->> 'reason' FROM audit_entry "
            "WHERE action LIKE 'post %' ORDER BY seq"
        ).fetchall()
    assert logged == [("post given", "S2", "顶岗"), ("post ended", "S2", "调离")]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"staff_no": "nobody"}, 404, "no-person"),
        ({"area_code": "nowhere"}, 404, "no-area"),
        ({"unit_ref": "nothing"}, 404, "no-unit"),
        ({"role": "king"}, 400, "no-role"),
        ({"end": str(TODAY)}, 400, "ends-before-start"),
    ],
)
def test_wrong_post_is_refused_in_the_readers_language(
    supervisor: httpx.Client, change: dict, status: int, code: str
) -> None:
    words = {}
    for lang in ("zh", "en"):
        answer = supervisor.post("/api/v1/posts", json=POST | change, params={"lang": lang})
        assert told(answer) == (status, code)
        words[lang] = answer.json()["detail"]
    assert words["en"].isascii()
    assert not words["zh"].isascii()


def test_somebody_new_needs_a_title(supervisor: httpx.Client) -> None:
    new = POST | {"staff_no": "S9", "title": "志愿者", "role": "volunteer"}
    assert supervisor.post("/api/v1/posts", json=new).status_code == 201
    team = supervisor.get("/api/v1/posts/grids/w1").json()["posts"]
    assert ("S9", "志愿者") in [(one["staff_no"], one["title"]) for one in team]


def test_need_of_a_role_is_the_districts_word(supervisor: httpx.Client) -> None:
    def gaps() -> int:
        found = supervisor.get("/api/v1/posts").json()["roles"]
        return next(one["gaps"] for one in found if one["role"] == "party_contact")

    assert gaps() == 0
    way = "/api/v1/posts/needs/party_contact"
    assert supervisor.put(way, json={"least": 1}).status_code == 200
    assert gaps() == 4
    assert supervisor.put(way, json={"least": 101}).status_code == 400
    assert told(supervisor.put("/api/v1/posts/needs/king", json={"least": 1})) == (400, "no-role")


def test_shift_is_added_once_shown_on_its_day_and_taken_off_before_it_begins(
    supervisor: httpx.Client,
) -> None:
    begin = (datetime.now(UTC) + timedelta(days=3)).replace(
        hour=1, minute=0, second=0, microsecond=0
    )
    shift = {"unit_ref": "U-w1", "starts_at": begin.isoformat(),
             "ends_at": (begin + timedelta(hours=8)).isoformat()}  # fmt: skip
    made = supervisor.post("/api/v1/posts/duty", json=shift)
    assert made.status_code == 201, made.text
    assert told(supervisor.post("/api/v1/posts/duty", json=shift)) == (409, "shift-overlaps")
    day = {"on": str(begin.date())}
    assert [one["unit"] for one in supervisor.get("/api/v1/posts/duty", params=day).json()["roster"]
            ] == ["w1 步巡组"]  # fmt: skip
    way = f"/api/v1/posts/duty/{made.json()['shift_id']}"
    assert supervisor.delete(way).status_code == 200
    assert told(supervisor.delete(way)) == (404, "no-shift")
    long = shift | {"ends_at": (begin + timedelta(hours=25)).isoformat()}
    assert told(supervisor.post("/api/v1/posts/duty", json=long)) == (400, "bad-shift")

    now = {"unit_ref": "U-w2", "starts_at": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
           "ends_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}  # fmt: skip
    begun = supervisor.post("/api/v1/posts/duty", json=now).json()["shift_id"]
    assert [one["unit"] for one in supervisor.get("/api/v1/posts/duty").json()["on_duty"]
            ] == ["w2 步巡组"]  # fmt: skip
    assert told(supervisor.delete(f"/api/v1/posts/duty/{begun}")) == (409, "shift-begun")


def test_households_are_near_a_station_by_road(supervisor: httpx.Client) -> None:
    near = supervisor.get("/api/v1/posts/stations").json()
    assert (near["stations"], near["households"], near["share"]) == (1, 40, 0.75)
    assert {one["code"]: one["share"] for one in near["grids"]} == {"w1": 1.0, "w2": 0.0}
    far = supervisor.get("/api/v1/posts/stations", params={"reach_m": 1000}).json()
    assert far["share"] == 1.0
    assert supervisor.get("/api/v1/posts/stations", params={"reach_m": 1}).status_code == 400


def test_partner_is_written_over_the_one_with_its_code(supervisor: httpx.Client) -> None:
    new = {"name": "爱心社", "name_en": "Kind society", "kind": "social", "headcount": 3,
           "services": ["陪护"], "lon": 121.005, "lat": 35.61}  # fmt: skip
    for heads in (3, 5):
        answer = supervisor.put("/api/v1/posts/partners/kind", json=new | {"headcount": heads})
        assert answer.status_code == 200, answer.text
    found = supervisor.get("/api/v1/posts/partners").json()["partners"]
    assert [(one["code"], one["headcount"], one["services"]) for one in found] == [
        ("kind", 5, ["陪护"])
    ]
    assert (
        supervisor.put("/api/v1/posts/partners/kind", json=new | {"kind": "x"}).status_code == 400
    )


def test_planners_read_and_write_nothing_and_others_see_no_staff_number(staffed: Service) -> None:
    planner = staffed.client(headers=staffed.bearer("planner"))
    assert planner.get("/api/v1/posts").status_code == 200
    assert planner.post("/api/v1/posts", json=POST).status_code == 403
    for role in ("officer", "analyst", "watch", "administrator"):
        other = staffed.client(headers=staffed.bearer(role))
        assert other.get("/api/v1/posts/grids/w1").status_code == 403


def test_account_of_the_west_sees_and_changes_the_west_alone(staffed: Service) -> None:
    with connect(staffed.database) as connection:
        connection.execute(
            "UPDATE account_role SET role = 'supervisor' FROM account a "
            "WHERE a.account_id = account_role.account_id AND a.login = 'west'"
        )
        connection.execute("UPDATE api_token SET permissions = '{posts.read,posts.write}' FROM "
                           "account a WHERE a.account_id = api_token.account_id "
                           "AND a.login = 'west'")  # fmt: skip
        connection.commit()
    west = staffed.client(headers=staffed.bearer("west"))
    assert {grid["code"] for grid in west.get("/api/v1/posts").json()["grids"]} == {"w1", "w2"}
    assert west.get("/api/v1/posts/grids/e1").json()["posts"] == []
    assert told(west.post("/api/v1/posts", json=POST | {"area_code": "e1"})) == (404, "no-area")
    assert told(west.put("/api/v1/posts/needs/police", json={"least": 2})) == (403, "every-area")


def test_database_itself_lets_nobody_change_who_held_a_post(staffed: Service) -> None:
    with staffed.app.state.databases.store(EVERYTHING) as connection:
        for statement in ("UPDATE post SET role = 'x'", "DELETE FROM post",
                          "UPDATE person SET staff_no = 'x'"):  # fmt: skip
            with (
                pytest.raises(ProgrammingError, match="permission denied"),
                connection.begin_nested(),
            ):
                connection.exec_driver_sql(statement)
