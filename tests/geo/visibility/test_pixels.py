"""The range of a camera by the pixels that a purpose needs."""

from __future__ import annotations

import numpy as np
import pytest

from geo.errors import InputError
from geo.visibility.pixels import PIXELS_PER_M, pixels_per_m, range_of_pixels


def test_editions_have_their_own_classes() -> None:
    assert pixels_per_m("identify", edition="2015") == 250
    assert pixels_per_m("scrutinise", edition="2025") == 1500
    for classes in PIXELS_PER_M.values():
        assert list(classes.values()) == sorted(classes.values())


def test_class_of_another_edition_is_refused_with_the_list_of_those_there_are() -> None:
    with pytest.raises(InputError, match=r"2025 has no class 'observe'; it has overview, outline"):
        pixels_per_m("observe", edition="2025")
    with pytest.raises(InputError, match="2015 or 2025"):
        pixels_per_m("observe", edition="1999")  # type: ignore[arg-type]


def test_range_follows_focal_length_pixels_and_sensor() -> None:
    # px/m = focal length x columns / (sensor width x distance): 4 mm lens, 4.8 mm sensor.
    fov = np.degrees(2 * np.arctan(4.8 / 2 / 4))
    assert range_of_pixels(1920, fov, density_px_m=62.5) == pytest.approx(4 * 1920 / (4.8 * 62.5))


def test_wide_lens_is_a_fisheye_and_unknown_columns_give_no_range() -> None:
    assert range_of_pixels(3600, 360.0, density_px_m=25.0) == pytest.approx(3600 / (2 * np.pi * 25))
    assert np.isnan(range_of_pixels(np.nan, 60.0, density_px_m=25.0))
