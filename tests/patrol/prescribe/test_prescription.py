"""Prescriptions name means, windows and checklists; files come back as they went out."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

import numpy as np
import pytest

from geo.demo.categories import CLASSES, GROUPS
from geo.errors import InputError
from patrol.prescribe.files import read_csv, read_toml, shipped, write_csv, write_toml
from patrol.prescribe.prescription import find_prescription, split_kinds


def test_every_class_of_the_scheme_and_every_group_has_a_prescription():
    known = shipped()
    assert all(item.code in known for item in CLASSES)
    assert set(GROUPS) <= set(known)
    assert find_prescription("0118", known).code == "01"
    assert find_prescription("9901", known) is None


@pytest.mark.parametrize("form", ["toml", "csv"])
def test_a_file_comes_back_as_it_went_out(form):
    items = list(shipped().values())
    if form == "toml":
        assert read_toml(write_toml(items), name="x") == items
    else:
        assert read_csv(write_csv(items).decode("utf-8-sig"), name="x") == items


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('code = "0102"', 'code = "0101"', "class '0101' comes twice"),
        (
            '"drone", "foot"',
            '"drone", "horse"',
            "entry 1: prescription '0101': 'horse' is no means",
        ),
        ("dwell_min = 15", 'dwell_min = "15"', "entry 1: dwell_min must be a whole number"),
        ("dwell_min = 15", "dwell_min = 900", "dwell_min lies between 1 and 480"),
        ("dwell_min = 15\n", "", "entry 1: dwell_min is missing"),
        ("dwell_min = 15", "dwell = 15", "there is no field 'dwell'"),
        ('window_from = "06:00"', 'window_from = "6 am"', "entry 2: window_from is '6 am'"),
        ('window_to = "09:30"\n', "", "a window has a begin and an end, or neither"),
        ("[[prescription]]", "[prescription]", "not TOML"),
    ],
)
def test_a_wrong_entry_is_refused_by_place_and_field(old, new, words):
    text = write_toml([shipped()["0101"], shipped()["0102"]])
    assert old in text
    with pytest.raises(InputError, match=words):
        read_toml(text.replace(old, new, 1), name="mine.toml")


def test_a_spreadsheet_row_is_refused_by_number():
    text = write_csv([shipped()["0102"]]).decode("utf-8-sig")
    with pytest.raises(InputError, match="row 2: dwell_min must be a whole number"):
        read_csv(text.replace(",12,", ",a dozen,"), name="mine.csv")
    with pytest.raises(InputError, match="more cells than the header"):
        read_csv(text.rstrip() + ",more\r\n", name="mine.csv")


def test_a_window_past_midnight_has_the_hours_on_both_sides():
    night = replace(shipped()["0102"], window_from=time(21, 30), window_to=time(1))
    assert [hour for hour in range(24) if night.has_hour(hour)] == [0, 21, 22, 23]
    assert all(replace(night, window_from=None, window_to=None).has_hour(h) for h in range(24))


def test_prescribed_means_on_duty_share_a_class_and_absent_ones_are_named():
    known = {"a": replace(shipped()["0101"], code="a", means=("drone", "foot")),
             "b": replace(shipped()["0101"], code="b", means=("joint",))}  # fmt: skip
    share, unmet = split_kinds(["a", "b", "c"], known, ["foot", "drone"])
    np.testing.assert_allclose(share, [[0.5, 0.5], [1, 0], [1, 0]])
    assert unmet == ("b",)
    share, unmet = split_kinds(["a", "b"], known, ["vehicle", "volunteer"])
    np.testing.assert_allclose(share, [[0.5, 0.5], [0.5, 0.5]])
    assert unmet == ("a", "b")
