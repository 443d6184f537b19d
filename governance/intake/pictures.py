"""Pictures that people send: checked, made anew without metadata, their time and place read out."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

from geo.errors import InputError

FORMATS = ("JPEG", "PNG", "WEBP")
LONGEST_SIDE_PX = 1920
MOST_PIXELS = 50_000_000
SMALLEST_SIDE_PX = 16
QUALITY = 82
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Picture:
    """A picture made anew, and what its metadata said.

    Attributes
    ----------
    jpeg
        The new file; it carries no metadata.
    taken_at
        When the shutter was released: aware if the camera wrote its offset, else local and naive;
        None if it says nothing.
    lon, lat
        EPSG:4326, as the camera wrote them; None if it did not.
    """

    jpeg: bytes
    width: int
    height: int
    taken_at: datetime | None
    lon: float | None
    lat: float | None


def make_picture(
    content: bytes, *, longest_side_px: int = LONGEST_SIDE_PX, most_pixels: int = MOST_PIXELS
) -> Picture:
    """Return a picture made anew from a file, upright, in RGB, no side longer than allowed.

    The size that the file declares is checked before a pixel is decoded, so that a small file
    cannot unfold to gigabytes. Of an animation the first frame is taken.

    Raises
    ------
    InputError
        It is no picture that can be read, broken, too small, or of too many pixels.
    """
    try:
        ImageFile.LOAD_TRUNCATED_IMAGES = False  # WeasyPrint allows it to the whole process
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check_size(image, most_pixels)
            exif = image.getexif()
            taken_at, place = _taken_at(exif), _place(exif)
            image.draft("RGB", (longest_side_px, longest_side_px))
            upright = ImageOps.exif_transpose(image)
            plain = _on_white(upright)
    except _BOMBS as error:
        raise InputError(
            f"the picture has more than {most_pixels:,} pixels", code="picture-large"
        ) from error
    except UnidentifiedImageError as error:
        raise InputError(
            f"this is no picture; send one of {', '.join(FORMATS)}", code="no-picture"
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            "the picture is broken or cut off: take or send it again", code="picture-broken"
        ) from error
    plain.thumbnail((longest_side_px, longest_side_px))
    out = io.BytesIO()
    plain.save(out, "JPEG", quality=QUALITY, optimize=True)
    lon, lat = place
    return Picture(out.getvalue(), plain.width, plain.height, taken_at, lon, lat)


def _check_size(image: Image.Image, most_pixels: int) -> None:
    width, height = image.size
    if width * height > most_pixels:
        msg = f"the picture has {width} x {height} pixels, more than {most_pixels:,}: make it less"
        raise InputError(msg, code="picture-large")
    if min(width, height) < SMALLEST_SIDE_PX:
        msg = f"the picture has {width} x {height} pixels; nothing can be seen on it"
        raise InputError(msg, code="picture-small")


def _on_white(image: Image.Image) -> Image.Image:
    """Return a picture in RGB; what was transparent becomes white."""
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    layered = image.convert("RGBA")
    ground = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(ground, layered).convert("RGB")


def _taken_at(exif: Image.Exif) -> datetime | None:
    """Return the time of the shutter, aware if its offset is there; None if it makes no sense."""
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    written = tags.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
    try:
        moment = datetime.strptime(str(written).strip("\x00 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007
    except ValueError:
        return None
    zone = _offset(str(tags.get(ExifTags.Base.OffsetTimeOriginal, "")))
    return moment if zone is None else moment.replace(tzinfo=zone)


def _offset(written: str) -> timezone | None:
    sign, hours, colon, minutes = written[:1], written[1:3], written[3:4], written[4:6]
    if sign not in {"+", "-"} or colon != ":" or not (hours.isdecimal() and minutes.isdecimal()):
        return None
    size = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-size if sign == "-" else size) if size < timedelta(days=1) else None


def _place(exif: Image.Exif) -> tuple[float | None, float | None]:
    """Return longitude and latitude, both or neither."""
    tags = exif.get_ifd(ExifTags.IFD.GPSInfo)
    lon = _degrees(tags, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W", 180.0)
    lat = _degrees(tags, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S", 90.0)
    return (None, None) if lon is None or lat is None else (lon, lat)


def _degrees(tags: Any, value: int, reference: int, negative: str, most: float) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in tags[value])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    found = degrees + minutes / 60 + seconds / 3600
    found = -found if str(tags.get(reference, "")).strip("\x00 ") == negative else found
    return found if math.isfinite(found) and abs(found) <= most else None
