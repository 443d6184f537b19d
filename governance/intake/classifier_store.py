"""Classifiers in the database: trained from confirmed reports, versioned, asked. Never commits."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, insert, select, text, update

from geo.errors import ConflictError, FormatError, NotFoundError
from geo.models.incidents import Category, CategoryScheme
from governance.intake.classifier_file import dump_model, load_model
from governance.intake.classify import (
    FEWEST,
    ClassifierParams,
    Labelled,
    Model,
    Suggestion,
    hold_out,
    plain,
    suggest,
    train,
)
from governance.intake.scoring import HeldOut, score
from governance.models.cases import CaseFile
from governance.models.reports import Classifier, Report
from governance.statements import packaged

SIMULATION = "simulation"
"""Who takes the demo's reports; their words were written, so they are not learnt from."""
ENOUGH = 30
"""Confirmed reports of a class after which its starter sentences are left out."""


@dataclass(frozen=True)
class Suggested:
    """A class that a report may be of.

    Attributes
    ----------
    sure
        Whether the confidence is above the version's threshold. A person confirms all the same:
        nothing is filed by itself.
    """

    category_id: int
    code: str
    name: str
    name_en: str
    confidence: float
    sure: bool


@dataclass(frozen=True)
class Trained:
    """A new version and what was measured of it."""

    version: int
    held_out: HeldOut
    confirmed: int
    starter: int
    size: int


def read_labelled(
    connection: Connection, jurisdiction_id: int, scheme: str, *, beside: Path | None = None
) -> Labelled:
    """Read what can be learnt from: reports whose class a person confirmed, and the starter set.

    Starter sentences of a class go once it has `ENOUGH` confirmed reports.

    Parameters
    ----------
    beside
        A file of labelled sentences of the district's own: tab-separated, with the columns
        ``scheme``, ``code`` and ``words``.
    """
    known = {code for _, code, _, _ in _classes(connection, scheme)}
    confirmed = [
        (row.words, row.code, f"case {row.case_id}", False)
        for row in connection.execute(_confirmed(jurisdiction_id, scheme))
    ]
    counts = Counter(code for _, code, _, _ in confirmed)
    written = [
        (words, code, f"starter {number}", True)
        for number, (words, code) in enumerate(read_sentences(scheme, beside))
        if code in known and counts[code] < ENOUGH
    ]
    # Equal words are one sentence, or they would be held out from themselves.
    rows = list({(plain(row[0]), row[1]): row for row in [*written, *confirmed]}.values())
    totals = Counter(row[1] for row in rows)
    kept = [row for row in rows if totals[row[1]] >= FEWEST]
    words, codes, groups, starter = zip(*kept, strict=True) if kept else ((), (), (), ())
    return Labelled(words, codes, groups, starter)


def train_version(
    connection: Connection,
    jurisdiction_id: int,
    scheme: str,
    labelled: Labelled,
    params: ClassifierParams,
    *,
    now: datetime,
) -> Trained:
    """Train, measure on held-out sentences, and store as the next version."""
    codes, chances = hold_out(labelled, params)
    held_out = score(codes, chances, labelled.codes, precision=params.precision)
    model, _ = train(labelled, params)
    data = dump_model(model)
    starter = sum(labelled.starter)
    settings = asdict(params) | {
        "gridbeat": version("gridbeat"), "scikit-learn": version("scikit-learn"),
        "starter": starter, "confirmed": len(labelled) - starter,
    }  # fmt: skip
    number = connection.execute(
        select(func.coalesce(func.max(Classifier.version), 0) + 1).where(
            Classifier.jurisdiction_id == jurisdiction_id, Classifier.scheme == scheme
        )
    ).scalar_one()
    connection.execute(
        insert(Classifier).values(
            jurisdiction_id=jurisdiction_id, scheme=scheme, version=number, trained_at=now,
            settings=settings, report=asdict(held_out), threshold=held_out.threshold, model=data,
            sha256=sha256(data).hexdigest(),
        )
    )  # fmt: skip
    return Trained(number, held_out, len(labelled) - starter, starter, len(data))


def read_version(
    connection: Connection, jurisdiction_id: int, *, number: int | None = None
) -> Row[Any]:
    """Read a version without its model: the newest, or the one with a number.

    Raises
    ------
    NotFoundError
        There is none.
    """
    query = select(
        Classifier.classifier_id, Classifier.scheme, Classifier.version, Classifier.trained_at,
        Classifier.settings, Classifier.report, Classifier.threshold, Classifier.sha256,
    ).where(Classifier.jurisdiction_id == jurisdiction_id)  # fmt: skip
    if number is not None:
        query = query.where(Classifier.version == number)
    row = connection.execute(query.order_by(Classifier.classifier_id.desc()).limit(1)).first()
    if row is None:
        raise NotFoundError(
            "no classifier is trained yet: run `gridbeat classifier train`", code="no-classifier"
        )
    return row


def suggest_classes(
    connection: Connection, jurisdiction_id: int, words: str, *, most: int = 3
) -> list[Suggested]:
    """Return the classes that a report may be of, by the newest version; none without one."""
    return suggest_classes_of_each(connection, jurisdiction_id, [words], most=most)[0]


def suggest_classes_of_each(
    connection: Connection, jurisdiction_id: int, words: Sequence[str], *, most: int = 3
) -> list[list[Suggested]]:
    """Return for each of several reports the classes that it may be of."""
    newest = connection.execute(
        packaged("newest_classifier"), {"jurisdiction": jurisdiction_id}
    ).one_or_none()
    if newest is None:
        return [[] for _ in words]
    model = _load(connection, newest.classifier_id, newest.sha256)
    return [_suggested(suggest(model, said, most=most), newest) for said in words]


def _suggested(found: Sequence[Suggestion], newest: Row[Any]) -> list[Suggested]:
    threshold, classes = newest.threshold, newest.classes or {}
    kept = []
    for item in found:
        if item.code in classes:
            number, name, name_en = classes[item.code]
            sure = threshold is not None and item.confidence >= threshold
            kept.append(Suggested(number, item.code, name, name_en, item.confidence, sure))
    return kept


def note_suggestions(connection: Connection, report_id: UUID, found: Sequence[Suggested]) -> None:
    """Keep with a report what was suggested for it, to compare with what a person confirmed."""
    kept = [asdict(item) for item in found]
    connection.execute(
        update(Report).where(Report.report_id == report_id).values(suggested={"classes": kept})
    )


def count_agreement(connection: Connection, jurisdiction_id: int) -> tuple[int, int, int]:
    """Count filed reports that had suggestions, and those filed as the first or one of three."""
    row = connection.execute(_AGREED, {"jurisdiction": jurisdiction_id}).one()
    return int(row.suggested), int(row.first), int(row.among)


_AGREED = text(
    "SELECT count(*) AS suggested, "
    "count(*) FILTER (WHERE (r.suggested #>> '{classes,0,category_id}')::int = c.category_id) "
    "AS first, count(*) FILTER (WHERE EXISTS (SELECT FROM jsonb_array_elements("
    "r.suggested -> 'classes') AS s WHERE (s ->> 'category_id')::int = c.category_id)) AS among "
    "FROM report r JOIN case_file c USING (case_id) WHERE r.jurisdiction_id = :jurisdiction "
    "AND jsonb_array_length(coalesce(r.suggested -> 'classes', '[]')) > 0 "
    "AND c.state NOT IN ('reported', 'verifying', 'rejected', 'void')"
)


def _confirmed(jurisdiction_id: int, scheme: str) -> Any:
    return (
        select(Report.words, Category.code, CaseFile.case_id)
        .join(CaseFile, CaseFile.case_id == Report.case_id)
        .join(Category, Category.category_id == CaseFile.category_id)
        .join(CategoryScheme, CategoryScheme.scheme_id == Category.scheme_id)
        .where(
            Report.jurisdiction_id == jurisdiction_id,
            CategoryScheme.scheme == scheme,
            Report.taken_by != SIMULATION,
            CaseFile.state.not_in(["reported", "verifying", "rejected", "void"]),
        )
        .order_by(Report.received_at, Report.report_id)
    )


def read_sentences(scheme: str, beside: Path | None = None) -> list[tuple[str, str]]:
    """Return the words and class of each starter sentence of a scheme, and of a file beside."""
    shipped = files("governance.intake.data").joinpath("starter.tsv").read_text("utf-8")
    found = _read_sentences(shipped, "starter.tsv")
    if beside is not None:
        try:
            found += _read_sentences(beside.read_text("utf-8-sig"), beside.name)
        except UnicodeDecodeError as error:
            raise FormatError(f"{beside.name}: not in UTF-8: {error}", code="bad-file") from error
    return [(words, code) for own, code, words in found if own == scheme]


def _read_sentences(given: str, name: str) -> list[tuple[str, str, str]]:
    rows = csv.DictReader(given.splitlines(), delimiter="\t")
    if rows.fieldnames is None or {"scheme", "code", "words"} - set(rows.fieldnames):
        raise FormatError(
            f"{name}: needs the columns scheme, code and words, split by tabs", code="bad-file"
        )
    found = []
    for number, row in enumerate(rows, start=2):
        values = (row["scheme"], row["code"], row["words"])
        if not all(value and value.strip() for value in values):
            raise FormatError(
                f"{name}, line {number}: scheme, code or words is missing", code="bad-file"
            )
        found.append(values)
    return found


def _classes(connection: Connection, scheme: str) -> list[tuple[int, str, str, str]]:
    query = (
        select(Category.category_id, Category.code, Category.name, Category.name_en)
        .join(CategoryScheme, CategoryScheme.scheme_id == Category.scheme_id)
        .where(CategoryScheme.scheme == scheme)
        .order_by(CategoryScheme.valid_from, Category.category_id)
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


def _load(connection: Connection, classifier_id: int, digest: str) -> Model:
    """Return a stored model; versions never change, so each is read once a process."""
    known = _LOADED.get(digest)
    if known is None:
        data = connection.execute(
            select(Classifier.model).where(Classifier.classifier_id == classifier_id)
        ).scalar_one()
        if sha256(data).hexdigest() != digest:
            raise ConflictError(
                f"classifier {classifier_id} was changed after it was stored", code="bad-classifier"
            )
        known = _LOADED[digest] = load_model(bytes(data))
        while len(_LOADED) > MOST_LOADED:
            _LOADED.pop(next(iter(_LOADED)))
    return known


MOST_LOADED = 4
_LOADED: dict[str, Model] = {}
