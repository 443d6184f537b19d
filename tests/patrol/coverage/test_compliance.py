"""Each rule on cameras fails where it should, says so in two languages, and only there."""

from __future__ import annotations

import csv
import io
from datetime import date

import geopandas as gpd
import pytest
import shapely

from patrol.coverage.compliance import RULES, check_cameras, compliance_csv, count_breaches

TODAY = date(2026, 11, 22)
SOUND = {
    "camera_id": 1, "source_ref": "C1", "name": "东门", "owner_unit": "公安分局",
    "place_class": "road_junction", "in_use_on": date(2025, 6, 1), "filing_due": date(2025, 7, 1),
    "filing_no": "备2025-1", "filed_on": date(2025, 6, 20), "sign_posted": True,
    "retention_days": 30, "retention_reason": None,
}  # fmt: skip


def register(*changes: dict) -> gpd.GeoDataFrame:
    rows = [
        SOUND | {"camera_id": n, "source_ref": f"C{n}"} | change
        for n, change in enumerate(changes, 1)
    ]
    return gpd.GeoDataFrame(rows, geometry=[shapely.Point(0, 0)] * len(rows), crs=4326)


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"filing_no": None, "filed_on": None}, "unfiled", "due 2025-07-01"),
        ({"filing_no": None, "filed_on": None, "filing_due": None}, "unfiled", "due 2025-07-01"),
        ({"filing_no": None, "filed_on": None, "in_use_on": None, "filing_due": None}, "filing_unknown", "find out"),
        ({"filed_on": date(2025, 7, 2)}, "filed_late", "2025-07-02, after 2025-07-01"),
        ({"sign_posted": False}, "unsigned", "put one up"),
        ({"sign_posted": None}, "sign_unknown", "look"),
        ({"retention_days": 29}, "retention_short", "29 days"),
        ({"retention_days": 90}, "retention_long", "90 days"),
        ({"retention_days": None}, "retention_unknown", "find out"),
        ({"place_class": "旅馆客房走廊"}, "forbidden_place", "旅馆客房走廊"),
        ({"place_class": "Changing_Room"}, "forbidden_place", "take it down"),
    ],
)  # fmt: skip
def test_each_rule_is_found_alone(change: dict, code: str, words: str) -> None:
    found = check_cameras(register({}, change), today=TODAY)
    assert found[["camera_id", "code"]].to_numpy().tolist() == [[2, code]]
    assert words in found["message_en"][0]
    assert found["message_zh"][0] != found["message_en"][0]
    assert found["article"][0] in (8, 13, 14, 17)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"retention_days": 90, "retention_reason": "重大活动安保"},
        {"filed_on": date(2025, 7, 1)},
        {
            "filing_no": None,
            "filed_on": None,
            "in_use_on": date(2026, 11, 1),
            "filing_due": date(2026, 12, 1),
        },
    ],
)
def test_what_is_in_order_or_not_yet_due_is_not_listed(change: dict) -> None:
    found = check_cameras(register(change), today=TODAY)
    assert found.empty
    assert count_breaches(found).empty


def test_a_register_without_columns_is_unknown_and_not_in_order() -> None:
    bare = gpd.GeoDataFrame({"camera_id": [7]}, geometry=[shapely.Point(0, 0)], crs=4326)
    found = check_cameras(bare, today=TODAY)
    assert found["code"].tolist() == ["filing_unknown", "sign_unknown", "retention_unknown"]
    assert check_cameras(bare.iloc[:0], today=TODAY).empty


def test_errors_come_first_and_the_file_keeps_chinese() -> None:
    found = check_cameras(
        register({"sign_posted": None}, {"sign_posted": False, "retention_days": 7}), today=TODAY
    )
    assert found["severity"].tolist() == ["error", "error", "warning"]
    content = compliance_csv(found)
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert content.startswith(b"\xef\xbb\xbf")
    assert rows[1][2:4] == ["东门", "公安分局"]
    assert count_breaches(found)["cameras"].tolist() == [1, 1, 1]
    assert len({rule.code for rule in RULES}) == len(RULES)
