"""A small planned district whose truth is known by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box
from sqlalchemy import func, insert

from geo.models.places import Area, Jurisdiction
from geo.models.records import Feed
from patrol.allocate import AllocationParams
from patrol.plans import PlanContext, draft_plan
from patrol.signals import gather_signals
from patrol.store import read_planning_grids

NAMES = {"dump": ("暴露垃圾", "dumping"), "park": ("违规停车", "illegal parking")}


@pytest.fixture
def context():
    return PlanContext(
        plan_date=date(2026, 11, 23),
        jurisdiction="990101",
        name_zh="模拟区",
        name_en="Demo district",
        data_from=datetime(2026, 5, 1, tzinfo=UTC),
        data_until=datetime(2026, 11, 22, tzinfo=UTC),
        made_at=datetime(2026, 11, 22, 20, 0, tzinfo=UTC),
        code_version="0.1.0",
        simulated=True,
    )


@pytest.fixture
def grids():
    """Six squares of about 300 m in two communities; the last is an exclusive grid."""
    return gpd.GeoDataFrame(
        {
            "code": [f"99010100100{i // 3}{i:03d}" for i in range(6)],
            "name": [f"第{i}格" for i in range(5)] + ["<script>alert(1)</script>"],
            "community": ["东社区"] * 3 + ["西社区"] * 3,
            "households": [500, 480, 510, 495, 505, None],
        },
        geometry=[
            box(500_000 + 300 * i, 3_460_000, 500_300 + 300 * i, 3_460_300) for i in range(6)
        ],
        crs=4549,
    )


@pytest.fixture
def signals(grids):
    """Give dumping in the second grid a proven rise, the third an unproven one, the last none."""
    nan = float("nan")
    slopes = {(1, "dump"): (0.5, 0.004), (2, "dump"): (0.5, 0.6), (0, "park"): (0.0, 1.0)}
    found = pd.DataFrame(
        [
            (grid, kind, total, recent, *slopes.get((i, kind), (0.0, nan)))
            for kind, total, recent, n in (("dump", 240, 60, 5), ("park", 40, 12, 4))
            for i, grid in enumerate(grids["code"][:n])
        ],
        columns=["unit_id", "category", "total", "recent", "slope", "q_value"],
    )
    return gather_signals(list(grids["code"]), found, names=NAMES, recent_steps=6)


@pytest.fixture
def plan(grids, signals, context):
    params = AllocationParams(total_h=18)
    return draft_plan(grids, signals, context=context, params=params)


def multipolygon(shape):
    return func.ST_Multi(func.ST_GeomFromText(shape.wkt, 4326))


@pytest.fixture
def jurisdiction_id(db, grids):
    """Found a district with two communities, the six grids, one grid of the past, one micro."""
    placed = grids.to_crs(4326)
    outline = placed.union_all().convex_hull
    number = db.execute(
        insert(Jurisdiction)
        .values(
            code="990101", name="模拟区", name_en="Demo", geom=multipolygon(outline),
            metric_srid=4549, time_zone="Asia/Shanghai", simulated=True,
        )
        .returning(Jurisdiction.jurisdiction_id)
    ).scalar_one()  # fmt: skip
    feed_id = db.execute(
        insert(Feed).values(jurisdiction_id=number, source="grids").returning(Feed.feed_id)
    ).scalar_one()

    def area(code, shape, **values):
        common = {
            "jurisdiction_id": number, "feed_id": feed_id, "source_ref": code, "content_hash": 0,
            "code": code, "name": code, "level": "grid", "grid_kind": "basic",
            "geom": multipolygon(shape),
        }  # fmt: skip
        return db.execute(insert(Area).values(common | values).returning(Area.area_id)).scalar_one()

    parents = {
        name: area(f"C{i}", outline, name=name, level="community", grid_kind=None)
        for i, name in enumerate(["东社区", "西社区"])
    }
    for row in placed.itertuples():
        homes = None if np.isnan(row.households) else int(row.households)
        area(
            row.code,
            row.geometry,
            name=row.name,
            parent_id=parents[row.community],
            households=homes,
        )
    area("old", outline, valid_to=date(2026, 11, 23))
    area("micro", outline, grid_kind="micro")
    return number


@pytest.fixture
def stored_grids(db, jurisdiction_id):
    return read_planning_grids(db, jurisdiction_id, day=date(2026, 11, 23))


@pytest.fixture
def draft(stored_grids, signals, context):
    return draft_plan(stored_grids, signals, context=context, params=AllocationParams(total_h=18))
