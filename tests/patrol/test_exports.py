"""What leaves the house is well formed, complete and harmless."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser

import pytest
import shapely
from shapely.geometry import shape

from patrol.exports import plan_csv, plan_geojson
from patrol.summaries import plan_html, plan_markdown


def read_csv(plan):
    text = plan_csv(plan).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_lists_every_grid_with_most_hours_first(plan):
    rows = read_csv(plan)
    hours = [float(row["hours"]) for row in rows]
    assert hours == sorted(hours, reverse=True)
    assert sum(hours) == 18.0
    assert rows[0]["reason_zh"]
    assert rows[0]["plan_date"] == "2026-11-23"
    assert {row["simulated"] for row in rows} == {"True"}


def test_csv_begins_with_the_mark_that_spreadsheets_need_for_chinese(plan):
    assert plan_csv(plan).startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_csv_disarms_names_that_a_spreadsheet_would_run(plan, start):
    plan.items["name"] = f"{start}cmd|' /C calc'!A0"
    assert all(row["name"].startswith(f"'{start}") for row in read_csv(plan))


def test_geojson_keeps_the_rules_of_rfc_7946(plan):
    collection = json.loads(plan_geojson(plan))
    assert collection["type"] == "FeatureCollection"
    assert "crs" not in collection
    west, south, east, north = collection["bbox"]
    assert 119 < west < east < 121
    assert 31 < south < north < 32
    for feature in collection["features"]:
        polygon = shape(feature["geometry"])
        assert polygon.is_valid
        assert shapely.is_ccw(polygon.exterior)
        assert len(str(feature["geometry"]["coordinates"][0][0][0]).split(".")[1]) <= 6


def test_geojson_says_what_the_plan_was_made_from(plan):
    collection = json.loads(plan_geojson(plan))
    made = collection["gridbeat"]
    assert made["status"] == "draft"
    assert made["simulated"] is True
    assert made["parameters"]["allocation"]["total_h"] == 18
    assert made["parameters"]["trend"]["recent_steps"] == 6
    properties = collection["features"][5]["properties"]
    assert properties["households"] is None
    assert properties["unknown"] is True
    assert sum(feature["properties"]["hours"] for feature in collection["features"]) == 18


def test_the_page_says_draft_and_simulated_in_both_languages(plan):
    page = plan_markdown(plan)
    assert "# 巡逻计划 2026-11-23 · 模拟区" in page
    assert "# Patrol plan 2026-11-23 · Demo district" in page
    assert "草案" in page
    assert "SIMULATED" in page
    assert "| 东社区 | 3 | 1490 |" in page
    assert "not safe" in page


def test_the_page_can_be_in_one_language(plan):
    assert "巡逻计划" not in plan_markdown(plan, lang="en")
    assert "Patrol plan" not in plan_html(plan, lang="zh")


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen, self.links = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.links += [value for name, value in attrs if name in {"src", "href"}]


def test_html_shows_hostile_names_as_text_and_links_nothing(plan):
    tags = _Tags()
    tags.feed(plan_html(plan))
    assert "script" not in tags.seen
    assert tags.links == []
    assert "&lt;script&gt;" in plan_html(plan)


def test_markdown_shows_hostile_names_as_text(plan):
    plan.items["name"] = "a|b*c_<b>\n# x"
    page = plan_markdown(plan, lang="en")
    assert "a\\|b\\*c\\_&lt;b&gt; \\# x" in page
