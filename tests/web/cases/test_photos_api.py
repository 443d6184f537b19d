"""Photos: made anew without metadata, refused when they are bombs, shown to who may see them."""

from __future__ import annotations

import io
import struct
import zlib
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from PIL import ExifTags, Image

from geo.errors import InputError
from governance.intake.pictures import make_picture
from tests.web.governed import People, picture


def exif() -> Image.Exif:
    written = Image.Exif()
    written[ExifTags.Base.Make] = "Camera"
    written[ExifTags.Base.Orientation] = 6
    written.get_ifd(ExifTags.IFD.Exif).update(
        {ExifTags.Base.DateTimeOriginal: "2026:03:02 09:30:00",
         ExifTags.Base.OffsetTimeOriginal: "+08:00"}
    )  # fmt: skip
    written.get_ifd(ExifTags.IFD.GPSInfo).update(
        {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (35.0, 36.0, 36.0),
         ExifTags.GPS.GPSLongitudeRef: "E", ExifTags.GPS.GPSLongitude: (121.0, 0.0, 18.0)}
    )  # fmt: skip
    return written


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes that declares many pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"0" * 99))


class TestPictures:
    def test_metadata_is_read_out_and_does_not_stay(self) -> None:
        made = make_picture(picture((640, 480), exif=exif()))
        assert (made.width, made.height) == (480, 640)  # turned upright
        assert made.taken_at == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
        assert (round(made.lon or 0, 6), round(made.lat or 0, 6)) == (121.005, 35.61)
        again = Image.open(io.BytesIO(made.jpeg))
        assert not again.getexif()
        assert b"Camera" not in made.jpeg

    def test_a_large_picture_becomes_smaller_and_a_clear_one_stands_on_white(self) -> None:
        made = make_picture(picture((4000, 1000)))
        assert (made.width, made.height) == (1920, 480)
        out = io.BytesIO()
        Image.new("RGBA", (32, 32), (0, 0, 0, 0)).save(out, "PNG")
        white = Image.open(io.BytesIO(make_picture(out.getvalue()).jpeg))
        assert white.getpixel((5, 5)) == (255, 255, 255)

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (bomb(30_000, 30_000), "pixels"),
            (bomb(9_000, 9_000), "pixels"),
            (picture((8, 8)), "nothing can be seen"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"),
            (b"", "no picture"),
            (picture((400, 400))[:400], "broken"),
            (bomb(64, 64), "broken"),
        ],
    )
    def test_what_is_no_fair_picture_is_refused(self, content: bytes, says: str) -> None:
        with pytest.raises(InputError, match=says):
            make_picture(content)

    def test_nonsense_in_the_metadata_is_left_out(self) -> None:
        written = Image.Exif()
        written[ExifTags.Base.DateTime] = "0000:00:00 00:00:00"
        written.get_ifd(ExifTags.IFD.GPSInfo).update(
            {ExifTags.GPS.GPSLatitude: (95.0, 0.0, 0.0), ExifTags.GPS.GPSLongitude: (1.0, 0.0, 0.0)}
        )
        made = make_picture(picture(exif=written))
        assert (made.taken_at, made.lon, made.lat) == (None, None, None)


@pytest.mark.db
class TestKept:
    def test_a_photo_keeps_its_time_and_place_in_the_record_and_is_kept_once(
        self, people: People
    ) -> None:
        case = people.dispatched()
        number, content = uuid4(), picture(exif=exif())
        for _ in range(2):
            sent = people.photo("wei", content=content, photo_id=number, case_id=case["case_id"])
            assert sent.status_code == 200, sent.text
        kept = people.as_("dora").get(f"/api/v1/cases/{case['case_id']}").json()["photos"]
        assert [photo["photo_id"] for photo in kept] == [str(number)]
        assert kept[0]["placed_by"] == "picture"
        assert kept[0]["taken_at"].startswith("2026-03-02T01:30")
        shown = people.as_("dora").get(kept[0]["href"])
        assert shown.headers["content-type"] == "image/jpeg"
        assert "sandbox" in shown.headers["content-security-policy"]
        assert not Image.open(io.BytesIO(shown.content)).getexif()
        other = people.photo("wei", content=picture(colour="red"), photo_id=number,
                             case_id=case["case_id"])  # fmt: skip
        assert other.status_code == 409

    def test_the_device_knows_better_than_the_picture_where_it_was(self, people: People) -> None:
        number = people.report("wei", channel="tablet")
        sent = people.photo("wei", content=picture(exif=exif()), report_id=number, lon=121.006,
                            lat=35.611, accuracy_m=8)  # fmt: skip
        assert sent.status_code == 200
        case = (
            people.as_("dora")
            .post(f"/api/v1/reports/{number}/file", json={"category_id": 3})
            .json()
        )
        assert (case["photos"][0]["placed_by"], case["photos"][0]["lon"]) == ("device", 121.006)

    def test_who_may_not_see_the_ground_sees_no_photo_and_reads_are_logged(
        self, people: People
    ) -> None:
        case = people.dispatched()
        number = people.photo("wei", case_id=case["case_id"]).json()["photo_id"]
        assert people.as_("eve").get(f"/api/v1/photos/{number}").status_code == 404
        assert people.photo("eve", case_id=case["case_id"]).status_code == 404
        assert people.as_("analyst").get(f"/api/v1/photos/{number}").status_code == 403
        people.as_("dora").get(f"/api/v1/photos/{number}")
        with people.service.app.state.databases.engine.connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT actor FROM audit_entry WHERE action = 'photo read' AND object = %(n)s",
                {"n": number},
            ).scalars()
            assert list(found) == ["dora"]

    def test_a_photo_of_nothing_or_too_large_is_refused(self, people: People) -> None:
        assert people.photo("wei").status_code == 400
        assert people.photo("wei", case_id=1, lon=1.0).status_code == 400
        huge = people.photo("wei", content=b"\xff\xd8" + b"0" * 2_100_000, case_id=1)
        assert huge.status_code == 413
