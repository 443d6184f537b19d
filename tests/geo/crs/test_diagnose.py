from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from geo.crs.diagnose import SAMPLE_SIZE, diagnose_positions, require_inside
from geo.crs.diagnosis import percent
from geo.crs.systems import from_wgs84, project
from geo.errors import CrsError

DISTRICT = shapely.Polygon([
    (116.32, 39.87), (116.36, 39.866), (116.39, 39.89), (116.393, 39.93),
    (116.375, 39.97), (116.34, 39.968), (116.315, 39.92),
])  # fmt: skip
CHICAGO = shapely.box(-87.94, 41.64, -87.52, 42.02)
CANBERRA = shapely.box(149.0, -35.5, 149.3, -35.1)


def scatter(boundary: shapely.Polygon, n: int, *, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    west, south, east, north = boundary.bounds
    lon, lat = rng.uniform(west, east, 4 * n), rng.uniform(south, north, 4 * n)
    inside = shapely.contains_xy(boundary, lon, lat)
    return lon[inside][:n], lat[inside][:n]


class TestGrossErrors:
    def test_swapped_axes_are_named_with_the_remedy(self):
        lon, lat = scatter(DISTRICT, 11_760)
        x, y = np.append(lat, np.full(240, 116.36)), np.append(lon, np.full(240, 39.9))
        found = diagnose_positions(x, y, crs="wgs84", boundary=DISTRICT, place="西城区")
        assert found.share_outside == pytest.approx(0.98)
        assert found.message() == (
            "98 % of 12,000 points fall outside 西城区; 98 % fall inside with x and y swapped: "
            "set x/y the other way round in the mapping"
        )
        assert found.message("zh") == (
            "12,000 个点中有 98 % 落在西城区之外；若交换 x、y，则 98 % 落在其内："
            "请在映射文件中把 x 与 y 对调"
        )

    @pytest.mark.parametrize("srid", [4548, 4527, 4547, 32650, 3857])
    def test_metres_declared_as_degrees_are_named(self, srid):
        x, y = project(*scatter(DISTRICT, 500), srid=srid)
        found = diagnose_positions(x, y, crs="wgs84", boundary=DISTRICT)
        assert found.fits[0].crs.srid == srid
        assert found.fits[0].share_inside > 0.99
        assert f'set crs = "EPSG:{srid}" in the mapping' in found.message()

    def test_northing_before_easting_as_survey_files_have_it_is_named(self):
        x, y = project(*scatter(DISTRICT, 500), srid=4548)
        message = diagnose_positions(y, x, crs="wgs84", boundary=DISTRICT).message()
        assert "fall inside read as EPSG:4548 with x and y swapped" in message
        swapped_only = diagnose_positions(y, x, crs=4548, boundary=DISTRICT)
        assert [fit.crs.srid for fit in swapped_only.fits] == [4548]
        assert swapped_only.fits[0].swapped

    def test_of_readings_that_fit_alike_the_one_with_fewest_changes_is_named(self):
        # UTM zone 50 and the zone of 117 E differ by a scale of 0.9996: 1.7 km of 80 here.
        large = shapely.box(116.0, 39.5, 116.8, 40.3)
        x, y = project(*scatter(large, 1000), srid=32650)
        assert [f.crs.srid for f in diagnose_positions(y, x, crs=32650, boundary=large).fits] == [
            32650
        ]
        unsure = diagnose_positions(x, y, crs="wgs84", boundary=large)
        assert [fit.crs.srid for fit in unsure.fits] == [32650, 4548]
        assert " fall inside read as EPSG:32650 or " in unsure.message()

    @pytest.mark.parametrize("swapped", [False, True])
    def test_degrees_declared_as_metres_are_named(self, swapped):
        lon, lat = scatter(DISTRICT, 500)
        x, y = (lat, lon) if swapped else (lon, lat)
        (fit,) = diagnose_positions(x, y, crs=4548, boundary=DISTRICT).fits
        assert (fit.crs.name, fit.swapped) == ("wgs84", swapped)

    def test_a_neighbouring_zone_is_named(self):
        x, y = project(*scatter(DISTRICT, 500), srid=4547)
        found = diagnose_positions(x, y, crs=4548, boundary=DISTRICT)
        assert found.fits[0].crs.srid == 4547

    @pytest.mark.parametrize(
        ("boundary", "negate", "said"),
        [
            (CHICAGO, (-1, 1), "with the sign of the longitude changed"),
            (CANBERRA, (1, -1), "with the sign of the latitude changed"),
            (
                shapely.box(-58.5, -34.7, -58.3, -34.5),
                (-1, -1),
                "longitude changed and with the sign",
            ),
        ],
        ids=["Chicago", "Canberra", "Buenos Aires"],
    )
    def test_lost_minus_signs_are_named(self, boundary, negate, said):
        lon, lat = scatter(boundary, 300)
        found = diagnose_positions(negate[0] * lon, negate[1] * lat, crs=4326, boundary=boundary)
        assert said in found.message()
        assert found.fits[0].share_inside == 1

    def test_the_jurisdictions_own_metric_system_is_tried(self):
        x, y = project(*scatter(CHICAGO, 300), srid=26771)  # a State Plane zone, in feet
        assert not diagnose_positions(x, y, crs=4326, boundary=CHICAGO).fits
        known = diagnose_positions(x, y, crs=4326, boundary=CHICAGO, metric_srid=26771)
        assert [fit.crs.srid for fit in known.fits] == [26771]

    def test_when_nothing_fits_the_message_says_what_was_tried(self):
        rng = np.random.default_rng(1)
        found = diagnose_positions(
            rng.normal(size=90), rng.normal(size=90), crs=4326, boundary=DISTRICT
        )
        assert found.fits == ()
        assert found.message().startswith(
            "100 % of 90 points fall outside the boundary; no other reading"
        )
        assert "均不相符" in found.message("zh")


class TestNothingWrong:
    def test_points_inside_are_only_counted(self):
        found = diagnose_positions(*scatter(DISTRICT, 1000), crs="wgs84", boundary=DISTRICT)
        assert found.share_outside == 0
        assert found.message() == "0 % of 1,000 points fall outside the boundary"

    def test_points_on_the_boundary_are_inside(self):
        lon, lat = np.array(DISTRICT.exterior.coords).T
        assert diagnose_positions(lon, lat, crs=4326, boundary=DISTRICT).share_outside == 0

    def test_rows_without_a_position_do_not_count(self):
        lon, lat = scatter(DISTRICT, 100)
        lon[:10], lat[5:20] = np.nan, np.nan
        found = diagnose_positions(lon, lat, crs="wgs84", boundary=DISTRICT)
        assert (found.n_points, found.n_missing, found.share_outside) == (80, 20, 0)

    def test_no_position_at_all_is_said(self):
        found = require_inside([np.nan], [39.9], crs="wgs84", boundary=DISTRICT)
        assert found.message() == "no row has a position"
        assert diagnose_positions([], [], crs=4326, boundary=DISTRICT).n_points == 0

    def test_a_minority_outside_is_no_reason_to_refuse(self):
        lon, lat = scatter(DISTRICT, 1000)
        lon[::3] = 0
        found = require_inside(lon, lat, crs="wgs84", boundary=DISTRICT)
        assert found.share_outside == pytest.approx(0.334)
        assert found.fits == ()

    def test_a_large_file_is_sampled_the_same_way_each_time(self):
        lon, lat = scatter(DISTRICT, 20_000)
        lon, lat = np.tile(lon, 10), np.tile(lat, 10)
        lon[: lon.size // 4] += 1
        found = diagnose_positions(lon, lat, crs="wgs84", boundary=DISTRICT)
        assert lon.size > SAMPLE_SIZE
        assert found.n_points == lon.size
        assert found.share_outside == pytest.approx(0.25, abs=1e-3)
        assert found == diagnose_positions(lon, lat, crs="wgs84", boundary=DISTRICT)


class TestShiftedSystems:
    @pytest.mark.parametrize("true", ["wgs84", "gcj02", "bd09"])
    @pytest.mark.parametrize("declared", ["wgs84", "cgcs2000", "gcj02", "bd09"])
    def test_points_all_over_the_district_tell_their_system(self, true, declared):
        x, y = from_wgs84(*scatter(DISTRICT, 5000), crs=true)
        found = diagnose_positions(x, y, crs=declared, boundary=DISTRICT, place="西城区")
        if true == declared or (true == "wgs84" and declared == "cgcs2000"):
            assert found.shifted is None
        else:
            assert found.shifted is not None
            assert found.shifted.crs.name == true
            assert f'set crs = "{true}" in the mapping' in found.message()
            assert f'crs = "{true}"' in found.message("zh")

    def test_points_in_the_middle_cannot_tell_and_nothing_is_said(self):
        x, y = from_wgs84(*scatter(DISTRICT.centroid.buffer(0.02), 5000), crs="gcj02")
        found = diagnose_positions(x, y, crs="wgs84", boundary=DISTRICT)
        assert (found.share_outside, found.shifted) == (0, None)

    @pytest.mark.parametrize("width_degrees", [0.001, 0.002, 0.004])
    def test_points_on_all_sides_beyond_the_boundary_are_no_shift(self, width_degrees):
        lon, lat = scatter(DISTRICT.buffer(width_degrees), 5000)
        found = diagnose_positions(lon, lat, crs="wgs84", boundary=DISTRICT)
        assert found.share_outside > 0.02
        assert found.shifted is None

    def test_a_few_points_around_the_boundary_are_no_shift(self):
        lon, lat = scatter(DISTRICT.buffer(-0.004), 3000)
        around = DISTRICT.buffer(0.001).exterior
        ring = shapely.get_coordinates(
            shapely.line_interpolate_point(around, np.linspace(0, 1, 100), normalized=True)
        )
        lon, lat = np.append(lon, ring[:, 0]), np.append(lat, ring[:, 1])
        found = diagnose_positions(lon, lat, crs="wgs84", boundary=DISTRICT)
        assert found.share_outside == pytest.approx(100 / 3100)
        assert found.shifted is None

    def test_where_two_systems_explain_it_alike_neither_is_named(self):
        lon, lat = scatter(DISTRICT, 8000)
        # Nothing in the west and south that too large a displacement would push out.
        far = (lon > 116.35) & (lat > 39.9)
        x, y = from_wgs84(lon[far], lat[far], crs="gcj02")
        found = diagnose_positions(x, y, crs="wgs84", boundary=DISTRICT)
        assert found.share_outside > 0.1
        assert found.shifted is None

    def test_a_busy_place_across_the_border_is_no_shift(self):
        # GCJ-02 would bring the place inside and push nothing out; BD-09 would push some out.
        lon, lat = scatter(DISTRICT.buffer(-0.0075), 3000)
        rng = np.random.default_rng(9)
        lon = np.append(lon, 116.3955 + rng.normal(0, 5e-4, 800))
        lat = np.append(lat, 39.925 + rng.normal(0, 5e-4, 800))
        found = diagnose_positions(lon, lat, crs="wgs84", boundary=DISTRICT)
        assert found.share_outside > 0.15
        assert found.shifted is None

    def test_outside_china_the_systems_are_one_and_nothing_is_said(self):
        lon, lat = scatter(CHICAGO, 2000)
        found = diagnose_positions(lon + 0.006, lat, crs="wgs84", boundary=CHICAGO)
        assert 0 < found.share_outside < 0.1
        assert found.shifted is None


class TestRequireInside:
    def test_the_error_carries_the_diagnosis(self):
        lon, lat = scatter(DISTRICT, 400)
        with pytest.raises(CrsError, match=r"100 % of 400 points fall outside 西城区.*swapped"):
            require_inside(lat, lon, crs="wgs84", boundary=DISTRICT, place="西城区")
        with pytest.raises(CrsError, match="请在映射文件中把 x 与 y 对调"):
            require_inside(lat, lon, crs="wgs84", boundary=DISTRICT, lang="zh")

    def test_the_threshold_can_be_set(self):
        lon, lat = scatter(DISTRICT, 1000)
        lon[:100] = 0
        require_inside(lon, lat, crs="wgs84", boundary=DISTRICT)
        with pytest.raises(CrsError, match="10 % of 1,000"):
            require_inside(lon, lat, crs="wgs84", boundary=DISTRICT, max_share_outside=0.05)


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0, "0 %"),
        (1e-5, "< 0.1 %"),
        (0.0312, "3.1 %"),
        (0.5, "50 %"),
        (0.98, "98 %"),
        (0.996, "99.6 %"),
        (0.99999, "> 99.9 %"),
        (1, "100 %"),
    ],
)
def test_shares_are_never_rounded_to_none_or_all(share, written):
    assert percent(share) == written


@pytest.mark.data
class TestRealCities:
    def test_vancouvers_metres_declared_as_degrees(self, shared_data: Path):
        rows = pd.read_csv(shared_data / "vancouver/incidents_2020.csv.gz")
        city = _union(shared_data / "vancouver/neighbourhoods.geojson")
        found = diagnose_positions(rows.x, rows.y, crs="wgs84", boundary=city, place="Vancouver")
        assert found.n_missing == 1
        assert [fit.crs.srid for fit in found.fits] == [32610]
        # The 3,750 withheld positions at 0, 0 are outside under every reading.
        assert found.fits[0].share_inside == pytest.approx(1 - 3750 / 37_511, abs=0.01)

    def test_chicagos_fallback_point_does_not_hide_a_right_file(self, shared_data: Path):
        rows = pd.read_parquet(
            shared_data / "chicago/incidents_2013_h1.parquet", columns=["lon", "lat"]
        )
        city = _union(shared_data / "chicago/community_areas.geojson")
        right = require_inside(rows.lon, rows.lat, crs="wgs84", boundary=city, place="Chicago")
        assert right.share_outside < 0.01
        with pytest.raises(CrsError, match="with x and y swapped"):
            require_inside(rows.lat, rows.lon, crs="wgs84", boundary=city, place="Chicago")


def _union(path: Path) -> shapely.Geometry:
    return shapely.union_all(
        shapely.make_valid(shapely.get_parts(shapely.from_geojson(path.read_text())))
    )
