from __future__ import annotations

import pytest
from pyproj import CRS
from shapely.geometry import shape

from geo.china import _features_of_tianditu
from geo.crs.zones import gauss_krueger_srid, in_mainland, utm_srid
from geo.errors import CrsError


@pytest.mark.parametrize("zone_in_easting", [False, True])
def test_each_gauss_krueger_zone_has_the_central_meridian_it_is_chosen_for(zone_in_easting):
    for meridian in range(75, 136, 3):
        system = CRS.from_epsg(gauss_krueger_srid(meridian + 1.2, zone_in_easting=zone_in_easting))
        values = {p.name: p.value for p in system.coordinate_operation.params}
        zone = meridian // 3 if zone_in_easting else 0
        assert values["Longitude of natural origin"] == meridian
        assert values["False easting"] == zone * 1_000_000 + 500_000


def test_zones_of_the_reference_table():
    assert [gauss_krueger_srid(lon) for lon in (108, 111, 114, 117, 120.4, 123, 126, 129, 132, 135)] == [
        4545, 4546, 4547, 4548, 4549, 4550, 4551, 4552, 4553, 4554,
    ]  # fmt: skip


def test_the_outermost_zone_serves_beyond_the_last_meridian():
    assert (gauss_krueger_srid(73.4), gauss_krueger_srid(139.0)) == (4534, 4554)


@pytest.mark.parametrize(
    ("lon", "lat", "srid"),
    [
        (-123.1, 49.2, 32610),
        (24.94, 60.17, 32635),
        (149.1, -35.3, 32755),
        (180.0, 10, 32601),
        (-180, 10, 32601),
    ],
)
def test_utm_zone_and_hemisphere(lon, lat, srid):
    assert utm_srid(lon, lat) == srid


@pytest.mark.parametrize("lat", [84.5, -80.5])
def test_there_is_no_utm_at_the_poles(lat):
    with pytest.raises(CrsError, match="metric EPSG number"):
        utm_srid(0, lat)


@pytest.mark.parametrize(
    ("lon", "lat"),
    [
        (126.98, 37.57),
        (125.75, 39.03),
        (106.92, 47.90),
        (105.85, 21.03),
        (76.90, 43.25),
        (85.32, 27.71),
        (131.9, 43.1),
    ],
    ids=["Seoul", "Pyongyang", "Ulaanbaatar", "Hanoi", "Almaty", "Kathmandu", "Vladivostok"],
)
def test_neighbouring_capitals_are_not_taken_for_mainland(lon, lat):
    assert not in_mainland(lon, lat)


def test_the_middle_of_every_mainland_county_is_in_the_mainland():
    outside = []
    for code, feature in _features_of_tianditu().items():
        if code[:2] in ("71", "81", "82") or code.startswith("4603"):  # islands of Sansha
            continue
        middle = shape(feature["geometry"]).centroid
        if not in_mainland(middle.x, middle.y):
            outside.append((code, feature["properties"]["name"]))
    assert outside == []
