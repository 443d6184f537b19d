"""What the small district needs to work on cases: a calendar, departments, routes, who works where."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
from PIL import Image
from sqlalchemy import Connection, text
from sqlalchemy.pool import NullPool

from geo.database.connect import make_engine
from governance.calendar_store import write_calendar
from governance.clock.calendar import library_calendar
from governance.intake.classifier_store import read_labelled, train_version
from governance.intake.classify import ClassifierParams
from tests.web.district import PASSWORD
from web.auth.accounts import NewAccount, write_account, write_token
from web.auth.passwords import Passwords
from web.auth.permissions import PERSONAL, Permission, Role, permissions_of

if TYPE_CHECKING:
    from tests.web.conftest import Service

LON, LAT = 121.005, 35.61  # in grid w1
PEOPLE = (
    ("dora", Role.DISPATCHER, ("west", "east")),
    ("dan", Role.DISPATCHER, ("west", "east")),
    ("wei", Role.OFFICER, ("west",)),
    ("wang", Role.OFFICER, ("west",)),
    ("eve", Role.OFFICER, ("east",)),
)


def govern(service: Service) -> dict[str, int]:
    """Write calendar, departments and routes, and the accounts of desks and grids."""
    engine = make_engine(service.database, pool=NullPool)
    digest = Passwords(at_once=1, memory_kib=19_456).digest_now(PASSWORD)
    with engine.begin() as connection:
        write_calendar(connection, 1, library_calendar("CN", range(2025, 2028)), source="holidays")
        departments = {}
        for code, zh, en, level in (
            ("grid", "网格服务队", "Grid team", "grid"),
            ("env", "环卫所", "Sanitation", "street"),
        ):
            departments[code] = connection.execute(
                text(
                    "INSERT INTO department (jurisdiction_id, code, name, name_en, level) "
                    "VALUES (1, :code, :zh, :en, :level) RETURNING department_id"
                ),
                {"code": code, "zh": zh, "en": en, "level": level},
            ).scalar_one()
        _write_classes(connection)
        connection.execute(
            text(
                "WITH one AS (INSERT INTO person (jurisdiction_id, staff_no) VALUES (1, 'S1') "
                "RETURNING person_id) INSERT INTO post (person_id, role, area_id, valid_from) "
                "SELECT person_id, 'grid_leader', :area, '2026-01-01' FROM one"
            ),
            {"area": service.areas["w1"]},
        )
        connection.execute(
            text(
                "INSERT INTO routing_rule (jurisdiction_id, scheme, category_code, department_id, "
                "basis) VALUES (1, 'test', 'dump', :env, '清单第2条'), (1, NULL, NULL, :grid, ''), "
                "(1, 'gridbeat-demo', '0102', :env, '清单第2条')"
            ),
            departments,
        )
        _write_ground(connection)
        for login, role, areas in PEOPLE:
            new = NewAccount(
                login=login, name=login.title(), roles=(role,), password_hash=digest, areas=areas,
                all_areas=False, must_change=False,
            )  # fmt: skip
            number = write_account(connection, new)
            may = permissions_of([role]) - PERSONAL - {Permission.PUBLIC}
            service.tokens[login] = write_token(
                connection, number, name="test", permissions=sorted(may),
                expires_at=datetime.now(UTC) + timedelta(days=2),
            )  # fmt: skip
    engine.dispose()
    return departments


STREETS = ("向阳路", "长江路", "文昌街", "新华街", "人民路")


CLASSES = (
    ("0102", "暴露垃圾", "Exposed rubbish"),
    ("0406", "道路积水", "Flooded road"),
    ("0505", "机动车乱停放", "Cars parked anyhow"),
    ("0508", "商业噪音", "Noise of shops"),
    ("2401", "路灯与公共设施", "Street lights"),
)


def _write_classes(connection: Connection) -> None:
    """Write classes that the starter sentences know, and train the classifier on them."""
    scheme = connection.execute(
        text(
            "INSERT INTO category_scheme (scheme, version) VALUES ('gridbeat-demo', '1') "
            "RETURNING scheme_id"
        )
    ).scalar_one()
    for code, zh, en in CLASSES:
        connection.execute(
            text(
                "INSERT INTO category (scheme_id, code, name, name_en) "
                "VALUES (:scheme, :code, :zh, :en)"
            ),
            {"scheme": scheme, "code": code, "zh": zh, "en": en},
        )
    labelled = read_labelled(connection, 1, "gridbeat-demo")
    params = ClassifierParams(features=2**12)
    train_version(connection, 1, "gridbeat-demo", labelled, params, now=datetime.now(UTC))


def _write_ground(connection: Connection) -> None:
    """Write streets with names and houses between them, so that the map is one."""
    for n, name in enumerate(STREETS):
        along, across = 35.602 + n * 0.004, 121.003 + n * 0.008
        for ref, way in (
            (f"x{n}", f"LINESTRING(121.0 {along}, 121.016 {along})"),
            (f"y{n}", f"LINESTRING({across} 35.6, {across} 35.62)"),
        ):
            connection.execute(
                text(
                    "INSERT INTO road (feed_id, source_ref, content_hash, kind, name, geom) VALUES "
                    "(1, :ref, 0, 'secondary', :name, ST_GeomFromText(:way, 4326))"
                ),
                {"ref": ref, "name": name if ref[0] == "x" else f"{name}南段", "way": way},
            )
    for n in range(80):
        west, south = 121.0005 + (n % 16) * 0.0024, 35.6026 + (n // 16) * 0.0037
        connection.execute(
            text(
                "INSERT INTO building (feed_id, source_ref, content_hash, geom) VALUES (1, :ref, "
                "0, ST_Multi(ST_MakeEnvelope(:w, :s, :e, :n, 4326)))"
            ),
            {"ref": f"b{n}", "w": west, "s": south, "e": west + 0.0014, "n": south + 0.0016},
        )


@dataclass
class People:
    """A client for each who works on cases, and short ways to what they do."""

    service: Service
    departments: dict[str, int]

    def __post_init__(self) -> None:
        self.clients: dict[str, httpx.Client] = {}

    def as_(self, who: str) -> httpx.Client:
        """Return somebody's client."""
        if who not in self.clients:
            self.clients[who] = self.service.client(headers=self.service.bearer(who))
        return self.clients[who]

    def report(self, who: str = "dora", **given: Any) -> str:
        """Take in a report and return its number."""
        number = str(given.pop("report_id", uuid4()))
        body = {
            "words": "路口有垃圾堆，很臭", "place": {"lon": LON, "lat": LAT}, "channel": "hotline",
        } | given  # fmt: skip
        answer = self.as_(who).put(f"/api/v1/reports/{number}", json=body)
        assert answer.status_code in {200, 201}, answer.text
        return number

    def file(self, who: str = "dora", **given: Any) -> dict[str, Any]:
        """Take in a report, file it, and return the case."""
        number = self.report(who, **given)
        answer = self.as_(who).post(f"/api/v1/reports/{number}/file", json={"category_id": 3})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def try_step(self, who: str, case: dict[str, Any], action: str, **given: Any) -> httpx.Response:
        """Try a step on what was seen."""
        body = {"action": action, "request_id": str(uuid4()), "seen_version": case["version"]}
        return self.as_(who).post(f"/api/v1/cases/{case['case_id']}/steps", json=body | given)

    def step(self, who: str, case: dict[str, Any], action: str, **given: Any) -> dict[str, Any]:
        """Take a step and return the case after it."""
        answer = self.try_step(who, case, action, **given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def dispatched(self, **given: Any) -> dict[str, Any]:
        """Return a case that waits to be signed for."""
        case = self.file(**given)
        return self.step("dora", case, "dispatch", department_id=self.departments["grid"])

    def photo(self, who: str, *, content: bytes | None = None, **fields: Any) -> httpx.Response:
        """Send a photo."""
        number = fields.pop("photo_id", uuid4())
        given = {"file": ("a.jpg", content or picture(), "image/jpeg")}
        return self.as_(who).put(f"/api/v1/photos/{number}", files=given, data=fields)


def picture(
    size: tuple[int, int] = (640, 480), *, form: str = "JPEG", exif: Image.Exif | None = None,
    colour: str = "#336699",
) -> bytes:  # fmt: skip
    """Return a picture as a camera would write it."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, form, exif=exif or Image.Exif())
    return out.getvalue()
