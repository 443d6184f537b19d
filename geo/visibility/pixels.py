"""How far a camera's pixels carry: range from pixel density, by the edition of IEC 62676-4."""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.errors import InputError

Edition = Literal["2015", "2025"]

PIXELS_PER_M = MappingProxyType(
    {
        "2015": MappingProxyType(
            {
                "monitor": 12.5,
                "detect": 25.0,
                "observe": 62.5,
                "recognise": 125.0,
                "identify": 250.0,
            }
        ),
        "2025": MappingProxyType(
            {
                "overview": 20.0,
                "outline": 40.0,
                "discern": 80.0,
                "perceive": 125.0,
                "characterise": 250.0,
                "validate": 500.0,
                "scrutinise": 1500.0,
            }
        ),
    }
)
"""Edition -> class -> pixels per metre of the scene. IEC 62676-4:2015 (detection, observation,
recognition, identification: DORI) is superseded by IEC 62676-4:2025."""
FLAT_BELOW_DEG = 120.0
"""Wider lenses are taken for fisheyes, whose pixels are spread evenly over the angle."""


def pixels_per_m(purpose: str, *, edition: Edition) -> float:
    """Return the pixel density that a purpose needs by an edition of IEC 62676-4.

    Raises
    ------
    InputError
        The edition is unknown, or has no such class; the message lists what there is.

    References
    ----------
    IEC 62676-4:2015 and IEC 62676-4:2025, Video surveillance systems for use in security
    applications, part 4: application guidelines.

    Examples
    --------
    >>> pixels_per_m("observe", edition="2015"), pixels_per_m("discern", edition="2025")
    (62.5, 80.0)
    """
    if edition not in PIXELS_PER_M:
        msg = f"IEC 62676-4 has no edition {edition!r} here; choose {' or '.join(PIXELS_PER_M)}"
        raise InputError(msg)
    classes = PIXELS_PER_M[edition]
    if purpose not in classes:
        msg = f"IEC 62676-4:{edition} has no class {purpose!r}; it has {', '.join(classes)}"
        raise InputError(msg)
    return classes[purpose]


def range_of_pixels(
    image_px: ArrayLike, fov_deg: ArrayLike, *, density_px_m: float
) -> NDArray[np.float64]:
    """Return how far away a scene still has a pixel density, in metres.

    A flat image of ``image_px`` columns shows ``2 d tan(fov / 2)`` metres at distance d; a lens
    of `FLAT_BELOW_DEG` or more is taken for a fisheye, which shows ``d * fov``.

    Parameters
    ----------
    image_px
        Columns of the picture, any shape; NaN gives NaN.
    fov_deg
        Horizontal field of view, over 0 to 360.
    density_px_m
        Pixels per metre, as `pixels_per_m` returns them.

    Examples
    --------
    >>> float(range_of_pixels(1920, 53.13, density_px_m=62.5).round(1))
    30.7
    """
    pixels, angle = np.asarray(image_px, dtype=np.float64), np.radians(fov_deg)
    flat = angle < np.radians(FLAT_BELOW_DEG)
    shown = np.where(flat, 2.0 * np.tan(np.where(flat, angle, 1.0) / 2.0), angle)
    return np.asarray(pixels / (shown * density_px_m), dtype=np.float64)
