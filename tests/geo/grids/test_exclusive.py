from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import pytest
import shapely

from geo.errors import CrsError, GeometryError, InputError
from geo.grids.exclusive import make_exclusive

SRID = 4549
Frame = Callable[..., gpd.GeoDataFrame]


@pytest.fixture
def communities(frame: Frame) -> gpd.GeoDataFrame:
    boxes = [shapely.box(0, 0, 500, 500), shapely.box(500, 0, 1000, 500)]
    return frame(boxes, code=["330102001001", "330102001002"])


def test_facility_within_a_community_becomes_one_grid(
    frame: Frame, communities: gpd.GeoDataFrame
) -> None:
    ground = shapely.box(100, 100, 200, 200)
    made = make_exclusive(
        frame([ground], host_unit=["第一小学"], host_kind=["学校"]),
        communities=communities,
        srid=SRID,
    )
    assert made.drop(columns="geometry").to_dict("records") == [
        {
            "parent_code": "330102001001",
            "grid_kind": "exclusive",
            "host_unit": "第一小学",
            "host_kind": "school",
            "area_m2": 10_000.0,
        }
    ]
    assert made.geometry.iloc[0].equals(ground)


def test_facility_over_a_border_becomes_a_grid_in_each_community(
    frame: Frame, communities: gpd.GeoDataFrame
) -> None:
    park = frame([shapely.box(400, 100, 700, 200)], host_unit=["园区"], host_kind=["park"])
    made = make_exclusive(park, communities=communities, srid=SRID)
    assert made["parent_code"].tolist() == ["330102001001", "330102001002"]
    assert made["area_m2"].tolist() == [10_000, 20_000]


def test_facility_in_two_pieces_becomes_two_grids_and_scraps_are_left(
    frame: Frame, communities: gpd.GeoDataFrame
) -> None:
    boxes = [shapely.box(0, 0, 60, 60), shapely.box(100, 0, 160, 60), shapely.box(200, 0, 210, 10)]
    hospital = frame([shapely.MultiPolygon(boxes)], host_unit=["医院"], host_kind=["hospital"])
    made = make_exclusive(hospital, communities=communities, srid=SRID)
    assert made["area_m2"].tolist() == [3600, 3600]
    assert set(made["host_unit"]) == {"医院"}


def test_first_listed_facility_keeps_common_ground(
    frame: Frame, communities: gpd.GeoDataFrame
) -> None:
    tower, campus = shapely.box(100, 100, 150, 150), shapely.box(50, 50, 300, 300)
    made = make_exclusive(
        frame([tower, campus], host_unit=["大厦", "园区"], host_kind=["office", "park"]),
        communities=communities,
        srid=SRID,
    )
    assert made["area_m2"].tolist() == [2500, 60_000]
    assert shapely.coverage_is_valid(made.geometry.to_numpy())


def test_no_facility_gives_no_grid(frame: Frame, communities: gpd.GeoDataFrame) -> None:
    none = frame([], host_unit=[], host_kind=[])
    assert make_exclusive(none, communities=communities, srid=SRID).empty


def test_facility_outside_every_community_gives_no_grid(
    frame: Frame, communities: gpd.GeoDataFrame
) -> None:
    far = frame([shapely.box(5000, 0, 5100, 100)], host_unit=["远"], host_kind=["other"])
    assert make_exclusive(far, communities=communities, srid=SRID).empty


@pytest.mark.parametrize(
    ("unit", "kind", "words"),
    [(None, "school", "row 1 has no host_unit"), ("  ", "school", "row 1"), ("A", "zoo", "zoo")],
)
def test_facility_without_unit_or_known_kind_is_refused(
    frame: Frame, communities: gpd.GeoDataFrame, unit: str | None, kind: str, words: str
) -> None:
    facilities = frame([shapely.box(0, 0, 60, 60)], host_unit=[unit], host_kind=[kind])
    with pytest.raises(InputError, match=words):
        make_exclusive(facilities, communities=communities, srid=SRID)


def test_broken_facility_or_degrees_are_refused(
    frame: Frame, communities: gpd.GeoDataFrame
) -> None:
    bowtie = shapely.Polygon([(0, 0), (90, 90), (90, 0), (0, 90)])
    facilities = frame([bowtie], host_unit=["A"], host_kind=["school"])
    with pytest.raises(GeometryError):
        make_exclusive(facilities, communities=communities, srid=SRID)
    with pytest.raises(CrsError):
        make_exclusive(facilities.to_crs(4326), communities=communities, srid=SRID)
