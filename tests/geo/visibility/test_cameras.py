"""Where cameras look: azimuth, range and presets out of a register with gaps."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.errors import CrsError, InputError
from geo.visibility.cameras import BASES, LookParams, make_looks

PLACE = shapely.Point(116.4, 39.9)


def register(**columns) -> gpd.GeoDataFrame:
    n = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(columns, geometry=[PLACE] * n, crs=4326)


def test_range_is_where_pixels_end_but_not_past_the_stated_one() -> None:
    cameras = register(
        azimuth_deg=[10.0, 10.0, 10.0], fov_deg=[60.0, 60.0, 60.0],
        range_m=[np.nan, 10.0, 80.0], image_px=[1920, 1920, np.nan],
    )  # fmt: skip
    looks = make_looks(cameras, srid=32650, params=LookParams())
    by_pixels = 1920 / (2 * np.tan(np.radians(30)) * 62.5)
    assert looks.range_m == pytest.approx([by_pixels, 10.0, 80.0])
    assert [BASES[at] for at in looks.basis] == ["density", "stated", "stated"]
    finer = make_looks(cameras, srid=32650, params=LookParams("identify"))
    assert finer.range_m[0] == pytest.approx(by_pixels / 4)


def test_camera_of_unknown_direction_has_no_view_unless_one_is_assumed() -> None:
    cameras = register(
        azimuth_deg=[np.nan, 45.0, np.nan], fov_deg=[60.0, 90.0, 360.0], range_m=[80.0, 50.0, 30.0]
    )
    looks = make_looks(cameras, srid=32650, params=LookParams())
    assert looks.camera.tolist() == [1, 2]
    assumed = make_looks(cameras, srid=32650, params=LookParams(assumed_range_m=40.0))
    assert assumed.camera.tolist() == [0, 1, 2]
    assert assumed.range_m.tolist() == [40.0, 50.0, 30.0]
    assert assumed.fov_deg.tolist() == [360.0, 90.0, 360.0]
    assert [BASES[at] for at in assumed.basis] == ["assumed", "stated", "stated"]


def test_presets_of_a_turning_camera_are_looks_of_their_own() -> None:
    cameras = register(
        source_ref=["A", "B"], presets=["30/60/80; 210/40/150", None], azimuth_deg=[None, 5.0],
        fov_deg=[None, 70.0], range_m=[None, 60.0], height_m=[6.0, 4.0],
    )  # fmt: skip
    looks = make_looks(cameras, srid=32650, params=LookParams())
    assert looks.camera.tolist() == [0, 0, 1]
    assert looks.preset.tolist() == [1, 2, 0]
    assert looks.range_m.tolist() == [80.0, 150.0, 60.0]
    assert looks.height_m.tolist() == [6.0, 6.0, 4.0]


@pytest.mark.parametrize("text", ["30/60", "30-60-80", "400/60/80", "30/60/80;;", "a/b/c"])
def test_unreadable_preset_names_the_camera(text: str) -> None:
    with pytest.raises(InputError, match="camera K7: preset"):
        make_looks(register(source_ref=["K7"], presets=[text]), srid=32650, params=LookParams())


def test_no_camera_gives_no_look_and_degrees_are_refused() -> None:
    none = gpd.GeoDataFrame({"azimuth_deg": []}, geometry=[], crs=4326)
    assert len(make_looks(none, srid=32650, params=LookParams())) == 0
    with pytest.raises(CrsError, match="no plane metres"):
        make_looks(none, srid=4326, params=LookParams())


def test_parameters_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="assumed range"):
        LookParams(assumed_range_m=0)
    with pytest.raises(InputError, match="storey"):
        LookParams(storey_m=0.1)
