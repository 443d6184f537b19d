"""Coordinates and shapes are converted, mended only where that changes nothing, or refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import shapely

from geo.formats.table import GEOMETRY
from geo.imports.mapping import Mapping, make_mapping
from geo.imports.positions import read_points, read_shapes
from geo.imports.problems import Problems

SQUARE = shapely.box(0, 0, 1, 1)
# Two triangles that touch in a point: mending keeps half of the area that the ring claims.
BOW_TIE = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
# A needle of no width sticks out of the square: mending keeps all but nothing of its area.
NEEDLE = shapely.Polygon([(0, 0), (1, 0), (1, 1), (1, 5), (1, 1), (0, 1)])


def plan() -> Mapping:
    return make_mapping(
        {
            "kind": "households",
            "source": "x",
            "columns": {"households": "n", "x": "x", "y": "y"},
        }
    )


def points(x: list[object], y: list[object], crs: str = "wgs84") -> tuple[list[object], np.ndarray]:
    problems = Problems(len(x))
    made = read_points(pa.table({"x": x, "y": y}), plan(), crs=crs, problems=problems)
    return problems.reason.tolist(), np.column_stack([made.lon, made.lat])


def shapes(
    *given: object, shape: str = "polygon", crs: str = "wgs84", mend: bool = False
) -> tuple[list[object], list[object], list[object]]:
    wkb = [g if isinstance(g, bytes) or g is None else shapely.to_wkb(g) for g in given]
    problems = Problems(len(wkb))
    table = pa.table({GEOMETRY: pa.array(wkb, pa.binary())})
    made, mended = read_shapes(table, shape=shape, crs=crs, mend=mend, problems=problems)  # type: ignore[arg-type]
    return problems.reason.tolist(), made.tolist(), mended.tolist()


class TestPoints:
    def test_each_row_gets_its_own_verdict(self) -> None:
        reasons, xy = points(
            ["10", None, "0", "0", "x", "200", "10"], ["50", "50", "0", "5", "50", "50", "-91"]
        )
        assert reasons == [
            None,
            "no_position",
            "no_position",
            None,
            "not_a_number",
            "position_out_of_range",
            "position_out_of_range",
        ]
        assert xy[0].tolist() == [10, 50]
        assert xy[3].tolist() == [0, 5]

    def test_projected_coordinates_become_degrees(self) -> None:
        reasons, xy = points([491_000.0, 0.0], [5_459_000.0, 0.0], crs="EPSG:32610")
        assert reasons == [None, "no_position"]
        np.testing.assert_allclose(xy[0], [-123.1240, 49.2832], atol=1e-3)

    def test_chinese_shifted_coordinates_move_back(self) -> None:
        _, xy = points(["116.404"], ["39.915"], crs="gcj02")
        assert 0.004 < 116.404 - xy[0, 0] < 0.008

    def test_no_rows_are_no_points(self) -> None:
        assert points([], [])[1].shape == (0, 2)


class TestShapes:
    def test_sound_polygons_become_multipolygons_unchanged(self) -> None:
        hole = SQUARE.difference(shapely.box(0.4, 0.4, 0.6, 0.6))
        reasons, made, mended = shapes(SQUARE, hole, shapely.MultiPolygon([SQUARE]))
        assert reasons == mended == [None] * 3
        assert [item.geom_type for item in made] == ["MultiPolygon"] * 3  # type: ignore[attr-defined]
        assert shapely.equals(made, [SQUARE, hole, SQUARE]).all()

    @pytest.mark.parametrize("mend", [False, True])
    def test_polygon_that_mending_would_change_is_refused(self, mend: bool) -> None:
        reasons, made, mended = shapes(BOW_TIE, SQUARE, mend=mend)
        assert reasons == ["invalid_geometry", None]
        assert (made[0], mended) == (None, [None, None])

    def test_polygon_is_mended_only_on_request_and_says_so(self) -> None:
        assert shapes(NEEDLE)[0] == ["invalid_geometry"]
        reasons, made, mended = shapes(NEEDLE, SQUARE, mend=True)
        assert reasons == [None, None]
        assert shapely.equals(made[0], SQUARE)
        assert "Self-intersection" in str(mended[0])
        assert mended[1] is None

    def test_wrong_missing_and_damaged_shapes_are_told_apart(self) -> None:
        given = [shapely.Point(0, 0), None, shapely.Polygon(), b"\x01\x02", SQUARE]
        assert shapes(*given)[0] == [
            "wrong_geometry",
            "no_position",
            "no_position",
            "wrong_geometry",
            None,
        ]

    def test_lines_in_parts_are_joined_where_they_touch(self) -> None:
        joined = shapely.MultiLineString([[(0, 0), (1, 0)], [(1, 0), (2, 0)]])
        apart = shapely.MultiLineString([[(0, 0), (1, 0)], [(2, 0), (3, 0)]])
        reasons, made, _ = shapes(joined, apart, SQUARE, shape="line")
        assert reasons == [None, "wrong_geometry", "wrong_geometry"]
        assert shapely.equals(made[0], shapely.LineString([(0, 0), (2, 0)]))

    def test_heights_are_left_out(self) -> None:
        _, made, _ = shapes(shapely.Polygon([(0, 0, 9), (1, 0, 9), (1, 1, 9)]))
        assert not shapely.has_z(made[0])

    def test_coordinates_that_are_no_degrees_are_refused(self) -> None:
        assert shapes(shapely.box(500_000, 0, 500_100, 100))[0] == ["position_out_of_range"]
