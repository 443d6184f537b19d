"""The camera desk notes looks and reports what it saw, on its own ground alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from geo.database.connect import make_engine
from tests.web.conftest import Service
from tests.web.district import SOUTH, STEP, WEST

pytestmark = pytest.mark.db


@pytest.fixture(scope="module")
def looks(own_service: Service) -> list[int]:
    """Store a round of three looks; return their numbers."""
    engine = make_engine(own_service.database, role="app", pool_size=1)
    now = datetime.now(UTC)
    with engine.begin() as connection:
        number = connection.execute(
            text("INSERT INTO camera_round (jurisdiction_id, starts_at, ends_at, watchers, "
                 "parameters, code_version) VALUES (1, :a, :b, 1, '{}', 'x') "
                 "RETURNING camera_round_id"),
            {"a": now - timedelta(hours=1), "b": now},
        ).scalar_one()  # fmt: skip
        made = [
            connection.execute(
                text("INSERT INTO camera_look (camera_round_id, camera_id, watcher, due_at) "
                     "SELECT :round, camera_id, 1, :at FROM camera ORDER BY camera_id "
                     "OFFSET :n LIMIT 1 RETURNING camera_look_id"),
                {"round": number, "at": now - timedelta(minutes=30), "n": n},
            ).scalar_one()
            for n in range(3)
        ]  # fmt: skip
    engine.dispose()
    return made


def test_a_look_is_noted_once(own_service: Service, looks: list[int]) -> None:
    client = own_service.client()
    path, headers = f"/api/v1/camera-looks/{looks[0]}/done", own_service.bearer("watch")
    first = client.post(path, json={}, headers=headers)
    assert first.status_code == 200
    assert first.json() == {"new": True, "cells": 0, "view_known": False}
    assert not client.post(path, json={}, headers=headers).json()["new"]
    ahead = {"looked_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    assert client.post(path, json=ahead, headers=headers).status_code == 400
    assert client.post("/api/v1/camera-looks/99999/done", json={}, headers=headers
                       ).status_code == 404  # fmt: skip
    assert client.post(path, json={}, headers=own_service.bearer("analyst")).status_code == 403


def test_a_finding_becomes_an_incident_found_by_camera(
    own_service: Service, looks: list[int]
) -> None:
    client = own_service.client()
    body = {"category": "dump", "at": datetime.now(UTC).isoformat(), "lon": WEST + 1.5 * STEP,
            "lat": SOUTH + STEP / 2}  # fmt: skip
    path = f"/api/v1/camera-looks/{looks[1]}/finding"
    made = client.post(path, json=body, headers=own_service.bearer("dispatcher"))
    assert made.status_code == 201, made.text
    again = client.post(path, json=body, headers=own_service.bearer("dispatcher"))
    assert again.status_code == 409
    engine = make_engine(own_service.database, role="owner", pool_size=1)
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT i.found_by, l.looked_at IS NOT NULL FROM incident i JOIN camera_look l "
                 "ON l.found_incident_id = i.incident_id WHERE i.incident_id = :n"),
            {"n": made.json()["incident_id"]},
        ).one()  # fmt: skip
    engine.dispose()
    assert tuple(found) == ("camera", True)
