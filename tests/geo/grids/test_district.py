from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InputError
from geo.grids.district import describe_division, divide_district
from geo.grids.exclusive import exposure, make_exclusive
from geo.grids.nodes import match_nodes
from geo.grids.policy import HouseholdPolicy
from geo.grids.site import DivisionParams, Ground
from geo.grids.validate import validate_grids

SRID = 4549
POLICY = HouseholdPolicy()


@pytest.fixture
def communities() -> gpd.GeoDataFrame:
    """Give four communities that meet at a point inside the district, on slanting borders."""
    middle, corners = (1010.3, 980.7), [(0, 0), (2000, 40), (1970, 2010), (-30, 1990)]
    shapes = [shapely.Polygon([middle, corners[k], corners[(k + 1) % 4]]) for k in range(4)]
    codes = [f"33010200100{n}" for n in range(1, 5)]
    return gpd.GeoDataFrame({"code": codes, "level": "community"}, geometry=shapes, crs=SRID)


@pytest.fixture
def ground(communities: gpd.GeoDataFrame) -> Ground:
    """Give 120 buildings, a road and a river, and a school on the common corner."""
    rng = np.random.default_rng(11)
    x, y = (part.ravel() for part in np.meshgrid(np.arange(90, 1900, 95), np.arange(60, 1900, 70)))
    x, y = x + rng.uniform(-20, 20, x.size), y + rng.uniform(-15, 15, y.size)
    blocks = shapely.box(x, y, x + 50, y + 14)
    whole = shapely.union_all(communities.geometry.to_numpy())
    blocks = blocks[shapely.contains(whole, blocks)]
    counts = rng.integers(8, 24, len(blocks))
    homes = gpd.GeoDataFrame({"households": counts}, geometry=blocks, crs=SRID)
    lines = [[(-100, 620), (2100, 700)], [(640, -100), (700, 2100)], [(1400, -50), (1350, 2100)]]
    seams = gpd.GeoDataFrame(geometry=[shapely.LineString(line) for line in lines], crs=SRID)
    school = gpd.GeoDataFrame(
        {"host_unit": ["第一小学"], "host_kind": ["学校"]},
        geometry=[shapely.box(900, 900, 1100, 1050)],
        crs=SRID,
    )
    exclusive = make_exclusive(school, communities=communities, srid=SRID)
    return Ground(homes, seams=seams, exclusive=exclusive)


@pytest.fixture
def grids(communities: gpd.GeoDataFrame, ground: Ground) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(2)
    return divide_district(communities, ground, policy=POLICY, srid=SRID, rng=rng)


def test_divided_district_passes_its_own_validation(
    communities: gpd.GeoDataFrame, ground: Ground, grids: gpd.GeoDataFrame
) -> None:
    assert validate_grids(grids, parents=communities, policy=POLICY, srid=SRID) == []
    assert shapely.coverage_is_valid(grids.geometry.to_numpy())
    assert grids["households"].sum() == ground.households["households"].sum()
    assert grids["code"].is_unique
    assert (grids["grid_kind"] == "exclusive").sum() == 4


def test_change_in_one_community_leaves_the_others_as_they_were(
    communities: gpd.GeoDataFrame, ground: Ground, grids: gpd.GeoDataFrame
) -> None:
    inside = ground.households.within(communities.geometry.iloc[0])
    fewer = ground.households.drop(index=ground.households.index[inside][:20])
    again = divide_district(
        communities,
        Ground(fewer, seams=ground.seams, exclusive=ground.exclusive),
        policy=POLICY,
        srid=SRID,
        rng=np.random.default_rng(2),
    )
    for code in communities["code"][1:]:
        old = grids[grids["parent_code"] == code]
        new = again[again["parent_code"] == code]
        assert old["households"].tolist() == new["households"].tolist()
        assert (old.geometry.symmetric_difference(new.geometry, align=False).area < 1e-3).all()


def test_codes_ever_used_stay_unused(communities: gpd.GeoDataFrame, ground: Ground) -> None:
    taken = {f"{communities['code'].iloc[0]}{n:03d}" for n in (1, 2, 3)}
    grids = divide_district(
        communities,
        ground,
        policy=POLICY,
        srid=SRID,
        rng=np.random.default_rng(2),
        taken=taken,
        params=DivisionParams(rounds=0),
    )
    assert not taken & set(grids["code"])


def test_home_in_no_community_is_refused(communities: gpd.GeoDataFrame, ground: Ground) -> None:
    away = ground.households.copy()
    away.loc[away.index[0], "geometry"] = shapely.Point(9000, 9000)
    with pytest.raises(InputError, match="1 of"):
        divide_district(
            communities, Ground(away), policy=POLICY, srid=SRID, rng=np.random.default_rng(1)
        )


def test_report_states_balance_contiguity_compactness_and_exceptions(
    grids: gpd.GeoDataFrame,
) -> None:
    english = describe_division(grids, policy=POLICY, lang="en")
    basic = grids[grids["grid_kind"] == "basic"]
    assert f"{len(basic)} basic grids and 4 exclusive grids" in english
    assert f"In one piece: {len(basic)}." in english
    strict = HouseholdPolicy(minimum=basic["households"].min() + 1)
    assert len(describe_division(grids, policy=strict, lang="zh").splitlines()) > 4
    assert "没有基础网格" in describe_division(grids[:0], policy=POLICY, lang="zh")


def test_exposure_of_a_grid_without_households_is_its_footfall_or_area(
    grids: gpd.GeoDataFrame,
) -> None:
    empty = grids[["geometry"]].head(3).assign(households=[0, 0, 400], footfall=[None, 900, 900])
    found = exposure(empty, srid=SRID)
    assert found["exposure_unit"].tolist() == ["km2", "footfall", "households"]
    area = empty.geometry.area.iloc[0] / 1e6
    assert found["exposure"].tolist() == pytest.approx([area, 900, 400])
    assert (exposure(grids, srid=SRID)["exposure"] > 0).all()


@settings(max_examples=50, deadline=None)
@given(
    cuts_left=st.lists(st.floats(0.01, 0.99), max_size=6),
    cuts_right=st.lists(st.floats(0.01, 0.99), max_size=6),
    slant=st.floats(-300, 300),
)
def test_matched_nodes_make_separately_cut_neighbours_a_coverage(
    cuts_left: list[float], cuts_right: list[float], slant: float
) -> None:
    x0, y0 = 500_000.0, 3_400_000.0
    border = shapely.LineString([(x0, y0), (x0 + slant, y0 + 1000)])
    left = shapely.Polygon([(x0 - 900, y0), *border.coords, (x0 - 900, y0 + 1000)])
    right = shapely.Polygon([(x0 + 900, y0), *border.coords, (x0 + 900, y0 + 1000)])
    pieces = []
    for side, cuts in ((left, cuts_left), (right, cuts_right)):
        lines = [
            shapely.LineString([(x0 - 2000, y0 + c * 1000), (x0 + 2000, y0 + c * 1000)])
            for c in cuts
        ]
        faces = shapely.polygonize([shapely.union_all([side.boundary, *lines])])
        marks = [face for face in faces.geoms if face.representative_point().within(side)]
        pieces += marks
    before = np.array(pieces, dtype=object)
    after = match_nodes(before)
    assert shapely.coverage_is_valid(after)
    assert shapely.is_valid(after).all()
    assert np.abs(shapely.area(after) - shapely.area(before)).max() < 1e-2
