"""An address finds its candidates, the surest first, by the demo's names in Chinese and English."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text

from governance.places.find import Candidate, find_candidates

pytestmark = pytest.mark.db
ROADS = (
    ("会潮路", "Huichao Road", "116.31 39.90, 116.39 39.90"),
    ("扬帆大道", "Yangfan Avenue", "116.35 39.85, 116.35 39.95"),
    ("观澜大道", "Guanlan Avenue", "116.38 39.85, 116.38 39.8999"),
    ("荷和巷", "Hehe Lane", "116.31 39.92, 116.32 39.92"),
    ("松远路", "Songyuan Road", "116.31 39.95, 116.33 39.95"),
    ("松远2路", "Songyuan 2Road", "116.31 39.96, 116.33 39.96"),
)


@pytest.fixture(autouse=True)
def known(db: Connection, place) -> None:
    feed = {"f": db.execute(text("SELECT max(feed_id) FROM feed")).scalar_one()}
    for n, (name, english, way) in enumerate(ROADS):
        db.execute(
            text(
                "INSERT INTO road (feed_id, source_ref, content_hash, kind, name, attributes, geom)"
                " VALUES (:f, :ref, 0, 'secondary', :name, jsonb_build_object('name_en', "
                "CAST(:en AS text)), ST_GeomFromText(:way, 4326))"
            ),
            feed | {"ref": f"r{n}", "name": name, "en": english, "way": f"LINESTRING({way})"},
        )
    db.execute(
        text(
            "INSERT INTO station (feed_id, source_ref, content_hash, kind, name, address, geom, "
            "attributes) VALUES (:f, 's', 0, 'police', '听涛派出所', '会潮路31号（模拟）', "
            "ST_SetSRID(ST_MakePoint(116.34, 39.901), 4326), "
            '\'{"name_en": "Tingtao Police Station"}\')'
        ),
        feed,
    )
    for number in (1, 2, 40):
        db.execute(
            text(
                "INSERT INTO household_point (feed_id, source_ref, content_hash, households, "
                "address, geom) VALUES (:f, :ref, 0, 1, :address, "
                "ST_SetSRID(ST_MakePoint(:lon, 39.95), 4326))"
            ),
            feed | {"ref": f"h{number}", "address": f"松远路{number}号（模拟）",
                    "lon": 116.31 + number / 1000},
        )  # fmt: skip
    db.execute(
        text(
            "UPDATE area SET name = '碧波社区', name_en = 'Bibo Community' WHERE code = 'community'"
        )
    )


def first(db: Connection, said: str) -> Candidate:
    return find_candidates(db, said)[0]


@pytest.mark.parametrize("said", ["碧波社区", "Bibo Community", "bibo community"])
def test_community_is_found_by_either_name(db: Connection, place, said: str) -> None:
    found = first(db, said)
    assert (found.kind, found.name_en, found.area_id) == (
        "area", "Bibo Community", place.areas["community"],
    )  # fmt: skip
    assert found.confidence == 0.99


@pytest.mark.parametrize(
    "said",
    ["会潮路与扬帆大道交叉口", "扬帆大道会潮路口", "corner of Huichao Road and Yangfan Avenue"],
)
def test_crossing_of_two_named_roads_is_where_they_meet(db: Connection, said: str) -> None:
    found = first(db, said)
    assert found.kind == "crossing"
    assert (found.lon, found.lat) == pytest.approx((116.35, 39.90), abs=1e-6)
    assert {"会潮路", "扬帆大道"} == set(found.name.split(" × "))


def test_roads_that_end_a_few_metres_apart_cross_and_others_do_not(db: Connection) -> None:
    assert first(db, "会潮路和观澜大道路口").kind == "crossing"
    assert first(db, "荷和巷和扬帆大道路口").kind == "road"


def test_name_that_holds_the_word_for_and_is_one_road(db: Connection) -> None:
    assert (first(db, "荷和巷").kind, first(db, "荷和巷").confidence) == ("road", 0.99)


@pytest.mark.parametrize("said", ["松远路2号", "松远路 2 号（东门）", "2 Songyuan Road"])
def test_house_number_is_found_where_address_points_are(db: Connection, said: str) -> None:
    found = first(db, said)
    assert (found.kind, found.name, found.note) == ("number", "松远路2号", None)
    assert found.lon == pytest.approx(116.312)
    assert found.confidence == 0.99


def test_missing_house_number_tells_the_nearest_one_and_is_unsure(db: Connection) -> None:
    found = first(db, "松远路4号")
    assert (found.detail, found.note) == ("2", "nearest_number")
    assert found.confidence < 0.7
    far = [one for one in find_candidates(db, "松远路90号") if one.kind == "number"]
    assert far[0].confidence < found.confidence


def test_number_on_a_street_without_address_points_is_only_the_street(db: Connection) -> None:
    found = first(db, "扬帆大道12号")
    assert (found.kind, found.note) == ("road", "no_number")
    assert found.confidence < 0.6


def test_place_that_is_near_something_is_less_sure(db: Connection) -> None:
    plain, near = first(db, "听涛派出所"), first(db, "近听涛派出所")
    assert (near.name, near.note, plain.note) == ("听涛派出所", "near", None)
    assert near.confidence < plain.confidence
    assert first(db, "Tingtao Police Station").kind == "station"


def test_misspelt_name_is_found_and_unsure(db: Connection) -> None:
    found = first(db, "Songyuen Road")
    assert found.name_en == "Songyuan Road"
    assert 0.3 < found.confidence < 0.9


def test_nothing_alike_finds_nothing(db: Connection) -> None:
    for said in ("没有这个地方啊", "%", "（）", "' OR 1=1 --"):
        assert find_candidates(db, said) == []


def test_looking_up_an_earlier_address_may_use_its_index_under_row_security(
    db: Connection,
) -> None:
    leakproof = db.execute(
        text("SELECT bool_and(proleakproof) FROM pg_proc WHERE proname IN "
             "('similarity_op', 'word_similarity_commutator_op')")
    ).scalar_one()  # fmt: skip
    assert leakproof
