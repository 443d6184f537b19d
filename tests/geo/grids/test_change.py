from __future__ import annotations

from collections.abc import Callable
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import ConflictError, GeometryError, InputError
from geo.grids.change import merge_grids, split_grid
from geo.grids.history import crosswalk, grids_on, tag_points

SRID = 4549
COMMUNITY = "330102001001"
BEFORE, TURN, AFTER = date(2024, 3, 1), date(2025, 1, 1), date(2025, 6, 1)
Frame = Callable[..., gpd.GeoDataFrame]


@pytest.fixture
def dated(four: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return four.assign(valid_from=date(2024, 1, 1), valid_to=None)


@pytest.fixture
def homes(frame: Frame) -> gpd.GeoDataFrame:
    """Give nine homes of 50 households in the first grid and one elsewhere."""
    spots = [shapely.Point(x, y) for x in (20, 50, 80) for y in (120, 150, 180)]
    return frame([*spots, shapely.Point(150, 50)], households=[50] * 9 + [77])


def line(frame: Frame, *points: tuple[float, float]) -> gpd.GeoDataFrame:
    return frame([shapely.LineString(points)])


def test_split_ends_one_code_begins_two_and_conserves_ground_and_homes(
    frame: Frame, dated: gpd.GeoDataFrame, homes: gpd.GeoDataFrame
) -> None:
    change = split_grid(
        dated.iloc[[0]],
        by=line(frame, (35, 90), (35, 210)),
        households=homes,
        on=TURN,
        taken=set(dated["code"]),
        srid=SRID,
    )
    assert change.kind == "split"
    assert change.ended == (f"{COMMUNITY}001",)
    assert change.begun["code"].tolist() == [f"{COMMUNITY}005", f"{COMMUNITY}006"]
    assert change.begun["households"].tolist() == [150, 300]
    assert set(change.begun["valid_from"]) == {TURN}
    assert set(change.begun["parent_code"]) == {COMMUNITY}
    shapes = change.begun.geometry.to_numpy()
    assert shapely.coverage_is_valid(shapes)
    assert shapely.union_all(shapes).equals(dated.geometry.iloc[0])
    assert change.lineage["new_code"].tolist() == change.begun["code"].tolist()
    assert change.lineage["share"].tolist() == pytest.approx([0.35, 0.65])


def test_split_by_polygons_parts_along_their_outlines(
    frame: Frame, dated: gpd.GeoDataFrame, homes: gpd.GeoDataFrame
) -> None:
    change = split_grid(
        dated.iloc[[0]],
        by=frame([shapely.box(-10, 90, 40, 140), shapely.box(60, 160, 120, 230)]),
        households=homes,
        on=TURN,
        taken=set(dated["code"]),
        srid=SRID,
    )
    assert len(change.begun) == 3
    assert change.begun["households"].sum() == 450
    assert change.begun.area.sum() == pytest.approx(10_000)


@pytest.mark.parametrize(
    "points",
    [
        [(35, 120), (35, 180)],
        [(500, 0), (500, 300)],
        [(0, 90), (0, 210)],
        [(0.005, 90), (0.005, 210)],
    ],
)
def test_line_that_does_not_cross_the_grid_is_refused(
    frame: Frame,
    dated: gpd.GeoDataFrame,
    homes: gpd.GeoDataFrame,
    points: list[tuple[float, float]],
) -> None:
    with pytest.raises(GeometryError, match="not parted"):
        split_grid(
            dated.iloc[[0]],
            by=line(frame, *points),
            households=homes,
            on=TURN,
            taken=set(),
            srid=SRID,
        )


def test_merge_ends_two_codes_and_begins_one(dated: gpd.GeoDataFrame) -> None:
    change = merge_grids(dated.iloc[[0, 1]], on=TURN, taken=set(dated["code"]), srid=SRID)
    assert change.ended == (f"{COMMUNITY}001", f"{COMMUNITY}002")
    assert change.begun["code"].tolist() == [f"{COMMUNITY}005"]
    assert change.begun["households"].tolist() == [810]
    assert change.begun.geometry.iloc[0].equals(shapely.box(0, 100, 200, 200))
    assert change.lineage["share"].tolist() == [1.0, 1.0]


def test_merge_of_grids_that_only_touch_at_a_corner_is_refused(dated: gpd.GeoDataFrame) -> None:
    with pytest.raises(GeometryError, match="2 pieces"):
        merge_grids(dated.iloc[[0, 3]], on=TURN, taken=set(), srid=SRID)


def test_merge_over_communities_or_kinds_is_refused(dated: gpd.GeoDataFrame) -> None:
    pair = dated.iloc[[0, 1]]
    with pytest.raises(InputError, match="parent_code"):
        merge_grids(pair.assign(parent_code=["a", "b"]), on=TURN, taken=set(), srid=SRID)
    kinds = ["basic", "exclusive"]
    with pytest.raises(InputError, match="grid_kind"):
        merge_grids(pair.assign(grid_kind=kinds), on=TURN, taken=set(), srid=SRID)
    with pytest.raises(InputError, match="two grids"):
        merge_grids(pair.iloc[:1], on=TURN, taken=set(), srid=SRID)
    with pytest.raises(InputError, match="micro"):
        merge_grids(pair.assign(grid_kind="micro"), on=TURN, taken=set(), srid=SRID)


def test_grid_cannot_end_on_the_day_that_it_begins(dated: gpd.GeoDataFrame) -> None:
    with pytest.raises(ConflictError, match="2024-01-01"):
        merge_grids(dated.iloc[[0, 1]], on=date(2024, 1, 1), taken=set(), srid=SRID)


@settings(max_examples=40, deadline=None)
@given(
    ends=st.lists(st.tuples(st.floats(-200, 300), st.floats(-200, 300)), min_size=2, max_size=8),
    radii=st.lists(st.floats(40, 120), min_size=4, max_size=9),
)
def test_any_split_conserves_ground_and_homes(
    ends: list[tuple[float, float]], radii: list[float]
) -> None:
    angles = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    ring = np.column_stack((np.cos(angles), np.sin(angles))) * np.array(radii)[:, None]
    shape = shapely.Polygon(ring + 500_000)
    grid = gpd.GeoDataFrame(
        {
            "code": [f"{COMMUNITY}001"],
            "parent_code": COMMUNITY,
            "grid_kind": "basic",
            "households": 7,
            "valid_from": None,
        },
        geometry=[shape],
        crs=SRID,
    )
    path = shapely.LineString(np.array(ends) + 500_000)
    spots = [shapely.Point(500_000 + d, 500_000 - d) for d in range(-15, 16, 5)]
    try:
        change = split_grid(
            grid,
            by=gpd.GeoDataFrame(geometry=[path], crs=SRID),
            households=gpd.GeoDataFrame(geometry=spots, crs=SRID),
            on=TURN,
            taken=grid["code"].tolist(),
            srid=SRID,
        )
    except GeometryError:
        crossing = shapely.difference(shape, path.buffer(0.01))
        parts = shapely.area(shapely.get_parts(crossing))
        assert (parts >= 2).sum() < 2
        return
    pieces = change.begun.geometry.to_numpy()
    assert shapely.coverage_is_valid(pieces)
    assert set(change.begun.geom_type) == {"Polygon"}
    assert shapely.union_all(pieces).symmetric_difference(shape).area < 1e-6
    assert change.begun["households"].sum() == len(spots)
    assert change.lineage["share"].sum() == pytest.approx(1)


@pytest.fixture
def history(frame: Frame, dated: gpd.GeoDataFrame, homes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give the four grids and what came of splitting the first on 1 January 2025."""
    change = split_grid(
        dated.iloc[[0]],
        by=line(frame, (35, 90), (35, 210)),
        households=homes,
        on=TURN,
        taken=set(dated["code"]),
        srid=SRID,
    )
    old = dated.assign(valid_to=[TURN, None, None, None])
    rows = pd.concat([old, change.begun.assign(valid_to=None)], ignore_index=True)
    return gpd.GeoDataFrame(rows, crs=SRID)


def test_grids_of_a_day_end_before_the_day_of_the_change(history: gpd.GeoDataFrame) -> None:
    assert [code[-1] for code in grids_on(history, date(2024, 12, 31))["code"]] == list("1234")
    assert [code[-1] for code in grids_on(history, TURN)["code"]] == list("23456")
    assert grids_on(history, date(2023, 12, 31)).empty


def test_incident_keeps_the_grid_of_its_own_day(history: gpd.GeoDataFrame) -> None:
    points = np.array([[20.0, 150.0]] * 4 + [[150.0, 50.0], [900.0, 0.0]])
    days = [BEFORE, date(2024, 12, 31), TURN, AFTER, AFTER, AFTER]
    codes = tag_points(points, days, history=history, srid=SRID)
    assert [code and code[-1] for code in codes] == ["1", "1", "5", "5", "4", None]


def test_incidents_can_be_tagged_with_the_grids_of_one_day(history: gpd.GeoDataFrame) -> None:
    points = np.array([[20.0, 150.0], [60.0, 150.0]])
    then = tag_points(points, BEFORE, history=history, srid=SRID)
    now = tag_points(points, AFTER, history=history, srid=SRID)
    assert [code[-1] for code in then] == ["1", "1"]
    assert [code[-1] for code in now] == ["5", "6"]
    never = tag_points(points, date(2020, 1, 1), history=history, srid=SRID)
    assert never.tolist() == [None, None]


def test_points_and_days_must_be_as_many(history: gpd.GeoDataFrame) -> None:
    with pytest.raises(InputError, match="2 points and 1 days"):
        tag_points(np.zeros((2, 2)), [BEFORE], history=history, srid=SRID)


def test_no_points_need_no_tags(history: gpd.GeoDataFrame) -> None:
    assert tag_points(np.empty((0, 2)), BEFORE, history=history, srid=SRID).tolist() == []


def test_counts_carried_over_by_area_are_conserved(history: gpd.GeoDataFrame) -> None:
    old, new = grids_on(history, BEFORE), grids_on(history, AFTER)
    walk = crosswalk(old, new)
    counts = pd.Series(dict(zip(old["code"], (10.0, 20.0, 30.0, 40.0), strict=True)))
    carried = (walk["share"] * counts[walk["from_code"]].to_numpy()).groupby(walk["to_code"]).sum()
    assert carried.sum() == pytest.approx(100)
    assert carried[f"{COMMUNITY}005"] == pytest.approx(3.5)
    assert walk.groupby("from_code")["share"].sum().tolist() == pytest.approx([1, 1, 1, 1])
