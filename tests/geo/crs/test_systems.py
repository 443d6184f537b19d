from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Transformer
from shapely.geometry import shape

from geo.crs.systems import (
    convert_geometries,
    from_wgs84,
    parse_crs,
    project,
    propose_metric_srid,
    require_metric,
    to_wgs84,
    unproject,
)
from geo.errors import CrsError, GeometryError

BEIJING = shapely.box(116.2, 39.8, 116.6, 40.0)
POSITIONS = st.lists(st.tuples(st.floats(115.5, 118.5), st.floats(20, 52)), min_size=1, max_size=30)


class TestNames:
    @pytest.mark.parametrize(
        ("written", "name", "srid"),
        [
            ("WGS-84", "wgs84", 4326),
            ("wgs 84", "wgs84", 4326),
            ("EPSG:4326", "wgs84", 4326),
            (4326, "wgs84", 4326),
            ("OGC:CRS84", "wgs84", 4326),
            ("urn:ogc:def:crs:OGC:1.3:CRS84", "wgs84", 4326),
            ("CGCS2000", "cgcs2000", 4490),
            ("urn:ogc:def:crs:EPSG::4490", "cgcs2000", 4490),
            ("2000国家大地坐标系", "cgcs2000", 4490),
            ("GCJ-02", "gcj02", None),
            ("高德", "gcj02", None),
            ("BD09", "bd09", None),
            ("bd-09ll", "bd09", None),
            ("EPSG:32650", "EPSG:32650", 32650),
            (" epsg:4549 ", "EPSG:4549", 4549),
            ("4549", "EPSG:4549", 4549),
        ],
    )
    def test_usual_spellings_are_understood(self, written, name, srid):
        crs = parse_crs(written)
        assert (crs.name, crs.srid) == (name, srid)
        assert parse_crs(crs) is crs

    @pytest.mark.parametrize("dialect", ["WKT1_ESRI", "WKT1_GDAL", "WKT2_2019"])
    def test_text_of_a_prj_file_is_understood(self, dialect):
        assert parse_crs(CRS.from_epsg(4549).to_wkt(dialect)).srid == 4549

    @pytest.mark.parametrize("written", ["", "bd09mc", "EPSG:", "7", "PROJCS[", "GCJ-03"])
    def test_an_unknown_name_is_refused_with_the_accepted_ones(self, written):
        with pytest.raises(CrsError, match=r"unknown.*accepted: wgs84, cgcs2000, gcj02"):
            parse_crs(written)

    def test_an_unknown_number_is_refused(self):
        with pytest.raises(CrsError, match="EPSG:999999 does not exist"):
            parse_crs(999999)

    def test_projected_systems_are_not_in_degrees(self):
        degrees = [parse_crs(name).is_degrees for name in ("wgs84", "gcj02", "bd09", 4490, 4549)]
        assert degrees == [True, True, True, True, False]


class TestPositions:
    @pytest.mark.parametrize("crs", ["wgs84", "cgcs2000", "gcj02", "bd09", 4548, 4527, 32650, 3857])
    @settings(deadline=None)
    @given(POSITIONS)
    def test_every_system_comes_back(self, crs, positions):
        lon, lat = np.array(positions).T
        back_lon, back_lat = to_wgs84(*from_wgs84(lon, lat, crs=crs), crs=crs)
        np.testing.assert_allclose(back_lon, lon, rtol=0, atol=1e-9)
        np.testing.assert_allclose(back_lat, lat, rtol=0, atol=1e-9)

    @pytest.mark.parametrize("srid", [4548, 4527])
    def test_gauss_krueger_agrees_with_proj_from_its_own_parameters(self, srid):
        false_easting = 500_000 if srid == 4548 else 39_500_000
        proj = f"+proj=tmerc +lat_0=0 +lon_0=117 +k=1 +x_0={false_easting} +y_0=0 +ellps=GRS80"
        oracle = Transformer.from_crs(CRS.from_proj4(proj).geodetic_crs, proj, always_xy=True)
        lon, lat = np.array([116.4, 117.0, 118.2]), np.array([39.9, 20.0, 50.0])
        x, y = project(lon, lat, srid=srid)
        expected = oracle.transform(lon, lat)
        np.testing.assert_allclose([x, y], expected, rtol=0, atol=1e-6)

    def test_easting_comes_first_although_the_registry_has_northing_first(self):
        x, y = project([117.0], [39.9], srid=4548)
        assert x[0] == pytest.approx(500_000)
        assert 4_400_000 < y[0] < 4_450_000

    def test_a_metre_in_the_metric_system_is_a_metre_on_the_ground(self):
        x, y = project([116.4], [39.9], srid=propose_metric_srid(BEIJING))
        lon, lat = unproject(np.append(x, x + 1000), np.append(y, y), srid=4548)
        ellipsoid = CRS.from_epsg(4326).get_geod()
        assert ellipsoid.inv(lon[0], lat[0], lon[1], lat[1])[2] == pytest.approx(1000, abs=0.05)

    @pytest.mark.parametrize("crs", ["wgs84", "gcj02", 4548])
    def test_half_a_position_is_none(self, crs):
        lon, lat = from_wgs84([116.4, np.nan, 116.4], [39.9, 39.9, np.inf], crs=crs)
        assert np.isnan(lon).tolist() == np.isnan(lat).tolist() == [False, True, True]

    def test_what_the_projection_cannot_hold_is_none(self):
        lon, lat = project([116.4, 440_000.0], [39.9, 4_400_000.0], srid=4548)
        assert np.isnan([lon[1], lat[1]]).all()
        assert np.isfinite([lon[0], lat[0]]).all()

    @pytest.mark.parametrize("crs", ["wgs84", "cgcs2000", "bd09", 32650])
    def test_inputs_are_never_changed(self, crs):
        lon, lat = np.array([116.4, np.nan]), np.array([39.9, 40.0])
        lon.flags.writeable = lat.flags.writeable = False
        out = from_wgs84(lon, lat, crs=crs)
        assert not np.shares_memory(out[0], lon)
        assert lat[1] == 40.0

    @pytest.mark.parametrize("crs", ["wgs84", "gcj02", 4548])
    def test_no_positions_give_no_positions(self, crs):
        lon, lat = to_wgs84(np.empty(0), np.empty(0), crs=crs)
        assert lon.shape == lat.shape == (0,)

    def test_a_datum_without_published_parameters_is_refused(self):
        with pytest.raises(CrsError, match=r"Xian 1980.*local surveying office"):
            to_wgs84([116.4], [39.9], crs=4610)


class TestGeometries:
    def test_any_type_keeps_its_type_its_z_and_its_place_in_the_array(self):
        geometries = shapely.from_wkt([
            "POINT Z (116.4 39.9 120)",
            "POLYGON ((116 40, 117 40, 117 41, 116 40), (116.5 40.1, 116.6 40.1, 116.6 40.2, 116.5 40.1))",
            "POINT EMPTY",
            "GEOMETRYCOLLECTION (POINT (116 40), MULTILINESTRING ((116 40, 116.1 40.1)))",
            None,
        ])  # fmt: skip
        before = shapely.to_wkb(geometries)
        out = convert_geometries(geometries, crs="wgs84", to=4548)
        assert shapely.get_type_id(out).tolist() == shapely.get_type_id(geometries).tolist()
        assert shapely.has_z(out).tolist() == [True, False, False, False, False]
        assert shapely.get_z(out[0]) == 120
        assert shapely.to_wkb(geometries).tolist() == before.tolist()
        x, y = project([116.4], [39.9], srid=4548)
        assert (out[0].x, out[0].y) == (x[0], y[0])
        back = convert_geometries(out, crs=4548)
        assert shapely.equals_exact(back[:4], geometries[:4], tolerance=1e-9).all()

    def test_a_geometry_without_a_place_is_missing_and_its_neighbours_are_not(self):
        good, broken = shapely.box(116, 40, 116.1, 40.1), shapely.box(440_000, 4e6, 441_000, 4.1e6)
        out = convert_geometries([good, broken, good], crs="wgs84", to=4548)
        assert [geometry is None for geometry in out] == [False, True, False]
        assert out[0].equals(out[2])

    def test_no_geometries_give_no_geometries(self):
        assert convert_geometries([], crs="gcj02").shape == (0,)


class TestMetric:
    @pytest.mark.parametrize("srid", [4548, 4527, 32650, 32755, 27700, 2326])
    def test_projected_metres_are_accepted(self, srid):
        require_metric(srid)

    @pytest.mark.parametrize(
        ("srid", "reason"),
        [
            (4326, "no plane metres"),
            (4490, "no plane metres"),
            (4978, "no plane metres"),
            (2913, "is in foot"),
            (3857, "stretches lengths"),
        ],
    )
    def test_what_does_not_measure_in_metres_is_refused_naming_what_does(self, srid, reason):
        with pytest.raises(CrsError, match=rf"{reason}.*EPSG:4534 to 4554.*propose_metric_srid"):
            require_metric(srid)

    @pytest.mark.parametrize(
        ("box", "srid"),
        [
            ((116.2, 39.8, 116.6, 40.0), 4548),
            ((120.3, 30.0, 120.5, 30.3), 4549),
            ((126.8, 37.4, 127.2, 37.7), 32652),
            ((-87.9, 41.6, -87.5, 42.0), 32616),
            ((149.0, -35.5, 149.3, -35.1), 32755),
            ((-70.8, -33.6, -70.5, -33.3), 32719),
        ],
        ids=["Beijing", "Hangzhou", "Seoul", "Chicago", "Canberra", "Santiago"],
    )
    def test_the_proposed_system_is_the_local_zone_and_is_metric(self, box, srid):
        assert propose_metric_srid(shapely.box(*box)) == srid
        require_metric(srid)

    def test_a_boundary_across_the_antimeridian_gets_a_zone_at_the_antimeridian(self):
        fiji = shapely.MultiPolygon(
            [shapely.box(177, -19, 180, -16), shapely.box(-180, -19, -179, -16)]
        )
        assert propose_metric_srid(fiji) == 32760

    def test_a_boundary_in_metres_is_refused(self):
        with pytest.raises(CrsError, match="must be longitude and latitude"):
            propose_metric_srid(shapely.box(440_000, 4.40e6, 450_000, 4.41e6))

    @pytest.mark.parametrize("boundary", [shapely.Point(116, 40), shapely.Polygon()])
    def test_a_boundary_without_area_is_refused(self, boundary):
        with pytest.raises(GeometryError, match="polygon or multipolygon"):
            propose_metric_srid(boundary)


@pytest.mark.data
class TestXichengInBothSystems:
    """The detailed outline is Amap's in GCJ-02, the simplified one Tianditu's in CGCS2000.

    Simplification drops vertices but keeps the others where they are. So the vertices of the
    simplified outline must lie on the detailed one: nine in ten within 30 m, a good half
    millimetre at 1:50,000, while the shift is some 550 m. The areas can agree no better
    than the detailed outline agrees with its own simplification to as many vertices.
    """

    @pytest.fixture
    def outlines(self, shared_data: Path) -> tuple[shapely.MultiPolygon, shapely.MultiPolygon]:
        def read(name: str) -> shapely.MultiPolygon:
            text = (shared_data / "china" / name).read_text(encoding="utf-8")
            return shape(json.loads(text)["features"][0]["geometry"])

        return read("xicheng_110102_amap_gcj02.geojson"), read(
            "xicheng_110102_tianditu_wgs84.geojson"
        )

    @staticmethod
    def compare(detailed, simplified, crs) -> tuple[np.ndarray, float]:
        one = convert_geometries([detailed], crs=crs, to=4548)[0]
        other = convert_geometries([simplified], crs="wgs84", to=4548)[0]
        vertices = shapely.points(shapely.get_coordinates(other))
        iou = one.intersection(other).area / one.union(other).area
        return shapely.distance(vertices, one.boundary), iou

    def test_after_conversion_they_agree_within_the_simplification(self, outlines):
        gaps, iou = self.compare(*outlines, "gcj02")
        assert np.median(gaps) < 15
        assert np.quantile(gaps, 0.9) < 30
        detailed = convert_geometries(outlines[:1], crs="gcj02", to=4548)[0]
        own = detailed.simplify(300)
        assert abs(shapely.get_num_coordinates(own) - shapely.get_num_coordinates(outlines[1])) <= 2
        own_iou = own.intersection(detailed).area / own.union(detailed).area
        assert own_iou > 0.95
        assert iou > own_iou - 0.01

    @pytest.mark.parametrize("wrong", ["wgs84", "bd09"])
    def test_read_in_another_system_they_do_not(self, outlines, wrong):
        gaps, iou = self.compare(*outlines, wrong)
        assert np.median(gaps) > 100
        assert np.quantile(gaps, 0.9) > 500
        assert iou < 0.8
