"""The classifier learns, is measured on what it has not seen, and says nothing it does not know."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from sklearn.feature_extraction.text import HashingVectorizer
from sqlalchemy import Connection, text

from geo.demo.categories import CLASSES
from geo.errors import FormatError, InputError, NotFoundError
from governance.intake.classifier_file import dump_model, load_model
from governance.intake.classifier_store import (
    count_agreement,
    note_suggestions,
    read_labelled,
    read_sentences,
    read_version,
    suggest_classes,
    train_version,
)
from governance.intake.classify import (
    ClassifierParams,
    Labelled,
    Model,
    count_ngrams,
    hold_out,
    ngrams,
    plain,
    probabilities,
    split,
    suggest,
    train,
)
from governance.intake.filing import file_report
from governance.intake.reports import NewReport, take_report
from governance.intake.scoring import calibration_error, choose_threshold, score, wilson

NOW = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)
QUICK = ClassifierParams(folds=2, features=2**12)
RUBBISH = ("垃圾成堆", "垃圾桶满了", "垃圾没人清", "垃圾很臭", "路边垃圾", "一堆垃圾袋")
LAMPS = ("路灯不亮", "路灯坏了", "路灯闪烁", "没有路灯", "路灯灭了", "修路灯")


def labelled(**classes: tuple[str, ...]) -> Labelled:
    rows = [(words, code) for code, lines in classes.items() for words in lines]
    words, codes = zip(*rows, strict=True)
    groups = tuple(map(str, range(len(rows))))
    return Labelled(words, codes, groups, (True,) * len(rows))


@pytest.fixture(scope="module")
def model() -> Model:
    return train(labelled(c1=RUBBISH, c2=LAMPS), QUICK)[0]


class TestWords:
    def test_width_case_and_numbers_do_not_count(self) -> None:
        assert plain("Ａ座 12号  楼") == plain("a座 7号 楼")

    def test_chinese_gives_characters_and_latin_gives_words(self) -> None:
        assert ngrams("灯坏", longest=4) == ["灯", "坏", "灯坏"]
        assert " lamp" in ngrams("The lamp", longest=4)
        assert " the" not in ngrams("The lamp", longest=4)


class TestStarter:
    def test_every_class_of_the_demo_has_enough_different_sentences(self) -> None:
        rows = read_sentences("gridbeat-demo")
        assert len({words for words, _ in rows}) == len(rows)
        counts = {item.code: 0 for item in CLASSES}
        chinese = dict(counts)
        for words, code in rows:
            counts[code] += 1
            chinese[code] += not words.isascii()
        assert min(counts.values()) >= 35
        assert min(chinese.values()) >= 25

    def test_three_suggestions_hold_the_class_of_an_unseen_sentence_nine_times_in_ten(self) -> None:
        rows = read_sentences("gridbeat-demo")
        words, codes = zip(*rows, strict=True)
        given = Labelled(words, codes, tuple(map(str, range(len(rows)))), (True,) * len(rows))
        params = ClassifierParams(folds=3)
        found = score(*hold_out(given, params), given.codes, precision=0.95)
        assert found.macro_f1 > 0.75
        assert found.top3 > 0.90
        assert found.calibration_error < 0.08
        assert found.coverage > 0.40
        assert found.precision_at >= 0.95


class TestModel:
    def test_likeliest_class_comes_first_and_probabilities_sum_to_one(self, model: Model) -> None:
        first, second = suggest(model, "小区垃圾没人管")
        assert (first.code, second.code) == ("c1", "c2")
        assert first.confidence > 0.5 > second.confidence
        assert probabilities(model, ["路灯", "垃圾"]).sum(axis=1) == pytest.approx([1, 1])

    def test_words_like_nothing_learnt_give_nothing(self, model: Model) -> None:
        assert suggest(model, "xyzzy") == []
        assert suggest(model, "") == []

    def test_hashed_columns_are_those_of_scikit_learn(self) -> None:
        words = [said for said, _ in read_sentences("gridbeat-demo")[::20]]
        words += ["", "路灯 off 路灯"]
        peer = HashingVectorizer(
            analyzer=partial(ngrams, longest=4), n_features=2**16, norm=None, alternate_sign=False
        ).transform(words)
        ours = count_ngrams(words, longest=4, features=2**16)
        assert ours.shape == peer.shape
        assert (ours != peer).nnz == 0

    def test_one_sentence_gets_the_probabilities_that_many_at_once_get(self, model: Model) -> None:
        for words in ("小区垃圾没人管", "路灯不亮 垃圾"):
            chances = probabilities(model, [words])[0]
            found = {one.code: one.confidence for one in suggest(model, words, most=2)}
            assert found == pytest.approx(dict(zip(model.codes, chances, strict=True)), abs=1e-6)

    def test_same_sentences_and_seed_give_the_same_model(self, model: Model) -> None:
        again = train(labelled(c1=RUBBISH, c2=LAMPS), QUICK)[0]
        assert dump_model(again) == dump_model(model)

    def test_group_is_never_on_both_sides(self) -> None:
        given = labelled(c1=RUBBISH, c2=LAMPS)
        given = Labelled(given.words, given.codes, ("a", "a", *given.groups[2:]), given.starter)
        for seen, unseen in split(given, folds=2, seed=0):
            assert len({0, 1} & set(seen.tolist())) in {0, 2}
            assert not set(seen.tolist()) & set(unseen.tolist())

    def test_class_with_too_few_sentences_is_named(self) -> None:
        with pytest.raises(InputError, match="too few of c2"):
            train(labelled(c1=RUBBISH, c2=LAMPS[:2]), QUICK)
        with pytest.raises(InputError, match="two classes"):
            train(labelled(c1=RUBBISH), QUICK)
        with pytest.raises(InputError, match="precision lies between"):
            ClassifierParams(precision=1.0)


class TestFile:
    def test_model_comes_back_as_it_was(self, model: Model) -> None:
        again = load_model(dump_model(model))
        assert again.codes == model.codes
        assert probabilities(again, ["路灯", "x"]) == pytest.approx(
            probabilities(model, ["路灯", "x"]), abs=1e-6
        )

    def test_pickled_or_broken_bytes_are_refused(self, model: Model) -> None:
        evil = io.BytesIO()
        np.savez(evil, head=np.array([{"a": 1}], dtype=object))
        for data in (b"", b"PK", evil.getvalue(), dump_model(model)[:-200]):
            with pytest.raises(FormatError, match="cannot be read"):
                load_model(data)


class TestScores:
    def test_threshold_keeps_to_the_precision(self) -> None:
        confidence = np.array([0.9, 0.8, 0.7, 0.6])
        right = np.array([True, True, False, True])
        assert choose_threshold(confidence, right, precision=0.75) == 0.6
        assert choose_threshold(confidence, right, precision=0.8) == 0.8
        assert choose_threshold(confidence, ~right, precision=0.9) is None

    def test_equal_confidences_stand_or_fall_together(self) -> None:
        confidence = np.array([0.9, 0.9])
        assert choose_threshold(confidence, np.array([True, False]), precision=0.9) is None

    def test_calibration_error_by_hand(self) -> None:
        confidence = np.array([0.6, 0.6, 0.9, 0.9])
        right = np.array([True, False, True, True])
        assert calibration_error(confidence, right, bins=2) == pytest.approx(0.1)

    def test_wilson_interval_of_the_paper(self) -> None:
        low, high = wilson(81, 263)
        assert (low, high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
        assert wilson(0, 0) == (None, None)

    def test_class_that_was_never_named_has_no_precision(self) -> None:
        found = score(("a", "b"), np.array([[0.9, 0.1], [0.8, 0.2]]), ("a", "b"), precision=0.9)
        assert (found.classes[1].precision, found.classes[1].f1) == (None, 0.0)
        assert found.accuracy == 0.5


@pytest.mark.db
class TestStored:
    @pytest.fixture
    def labelled_file(self, tmp_path: Path) -> Path:
        file = tmp_path / "own.tsv"
        rows = [f"t\t0102\t{w}" for w in RUBBISH] + [f"t\t2401\t{w}" for w in LAMPS]
        file.write_text("\n".join(["scheme\tcode\twords", *rows]), "utf-8")
        return file

    @pytest.fixture
    def lamp(self, db: Connection, place) -> int:
        return db.execute(
            text(
                "INSERT INTO category (scheme_id, code, name, name_en) SELECT scheme_id, '2401', "
                "'公共设施', 'Facility' FROM category WHERE category_id = :c RETURNING category_id"
            ),
            {"c": place.category},
        ).scalar_one()

    def test_versions_are_counted_and_the_newest_is_asked(
        self, db: Connection, place, lamp, labelled_file
    ) -> None:
        assert suggest_classes(db, place.jurisdiction, "路灯") == []
        with pytest.raises(NotFoundError, match="gridbeat classifier train"):
            read_version(db, place.jurisdiction)
        given = read_labelled(db, place.jurisdiction, "t", beside=labelled_file)
        for number in (1, 2):
            made = train_version(db, place.jurisdiction, "t", given, QUICK, now=NOW)
            assert (made.version, made.confirmed, made.starter) == (number, 0, 12)
        first, second = suggest_classes(db, place.jurisdiction, "路灯不亮了")
        assert (first.category_id, first.name, second.code) == (lamp, "公共设施", "0102")
        assert read_version(db, place.jurisdiction, number=1).report["sentences"] == 12

    def test_confirmed_reports_are_learnt_and_agreement_is_counted(
        self, db: Connection, place, clock, lamp, labelled_file
    ) -> None:
        given = read_labelled(db, place.jurisdiction, "t", beside=labelled_file)
        train_version(db, place.jurisdiction, "t", given, QUICK, now=NOW)
        for words, category in (("路灯又不亮", lamp), ("路灯说是垃圾", place.category)):
            new = NewReport(uuid4(), "hotline", NOW, NOW, words, 116.4, 39.9, "desk")
            report = take_report(db, place.jurisdiction, new)
            found = suggest_classes(db, place.jurisdiction, words)
            note_suggestions(db, report, found)
            file_report(db, report, category_id=category, actor="desk", at=NOW, clock=clock)
        again = read_labelled(db, place.jurisdiction, "t", beside=labelled_file)
        assert len(again) == 14
        assert again.starter.count(False) == 2
        suggested, first, among = count_agreement(db, place.jurisdiction)
        assert (suggested, among) == (2, 2)
        assert first in {1, 2}

    @pytest.mark.parametrize(
        ("content", "message"),
        [("a\tb\n1\t2", "needs the columns"), ("scheme\tcode\twords\nt\t\tx", "line 2")],
    )
    def test_file_of_sentences_that_cannot_be_read_is_told(
        self, db, place, tmp_path: Path, content: str, message: str
    ) -> None:
        file = tmp_path / "own.tsv"
        file.write_text(content, "utf-8")
        with pytest.raises(FormatError, match=message):
            read_labelled(db, place.jurisdiction, "t", beside=file)
