"""What a camera below a drone sees of flat ground, from its lens and its height."""

from __future__ import annotations

from dataclasses import dataclass, fields

from geo.errors import InputError


@dataclass(frozen=True)
class Camera:
    """A camera that looks straight down, its long side across the direction of flight.

    Attributes
    ----------
    sensor_width_mm, sensor_height_mm, focal_mm
        Size of the sensor and true focal length (not the 35 mm equivalent).
    image_width_px, image_height_px
        Size of a picture.
    interval_s
        Shortest time between two pictures.
    """

    sensor_width_mm: float = 9.6
    sensor_height_mm: float = 7.2
    focal_mm: float = 6.72
    image_width_px: int = 4032
    image_height_px: int = 3024
    interval_s: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                msg = f"the camera's {field.name} must be above 0, got {getattr(self, field.name)}"
                raise InputError(msg)


@dataclass(frozen=True)
class Footprint:
    """What one picture shows of the ground: metres across and along the direction of flight."""

    across_m: float
    along_m: float

    def __post_init__(self) -> None:
        if not (self.across_m > 0 and self.along_m > 0):
            msg = f"a picture must show some ground, got {self.across_m} by {self.along_m} m"
            raise InputError(msg)


def height_for(camera: Camera, *, resolution_m: float) -> float:
    """Return the height above ground (m) from which one pixel shows `resolution_m` of it."""
    if not resolution_m > 0:
        msg = f"the ground resolution must be above 0 m a pixel, got {resolution_m}"
        raise InputError(msg)
    return resolution_m * camera.focal_mm * camera.image_width_px / camera.sensor_width_mm


def resolution_at(camera: Camera, *, height_m: float) -> float:
    """Return how much ground one pixel shows (m) from a height above ground (m)."""
    return height_m * camera.sensor_width_mm / (camera.focal_mm * camera.image_width_px)


def footprint_at(camera: Camera, *, height_m: float) -> Footprint:
    """Return what a picture shows from a height above ground (m)."""
    scale = height_m / camera.focal_mm
    return Footprint(camera.sensor_width_mm * scale, camera.sensor_height_mm * scale)
