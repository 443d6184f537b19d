"""What nobody saw is found, named and ranked; what one source saw is not called unseen."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.effort_cells import CELL_M, Ground, indices_of
from geo.errors import InputError
from geo.lattice.lattice import make_lattice
from patrol.coverage.protection import ProtectionParams, protection_index
from patrol.coverage.three_sources import (
    Coverage,
    CoverageParams,
    coverage_details,
    find_coverage,
    rank_unseen,
)
from patrol.tracks.looks import hour_of_week

LATTICE = make_lattice(shapely.box(0, 0, 500, 400), cell_size_m=CELL_M, srid=32650)
GROUND = Ground(LATTICE, *indices_of(LATTICE))
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR_NOW = int(NOW.timestamp() // 3600)
ZONE = ZoneInfo("Asia/Shanghai")
AREA = np.where(GROUND.i < 5, 1, 2)


def looks(cells: dict[tuple[int, int], tuple[str, int]]) -> pd.DataFrame:
    """Make looks of (i, j): source and hours ago."""
    rows = []
    for (i, j), (source, ago) in cells.items():
        by_hour = np.zeros(168, np.int32)
        hour = HOUR_NOW - ago
        by_hour[hour_of_week(np.array([hour]), ZONE)[0]] = hour
        rows.append((i, j, source, 1, pd.Timestamp(hour * 3600, unit="s", tz="UTC"), by_hour))
    return pd.DataFrame(rows, columns=["i", "j", "source", "area_id", "last_at", "by_hour"])


def incidents(n: int = 60, *, at: tuple[float, float] = (120.0, 120.0)) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {"x_m": at[0] + rng.uniform(-40, 40, n), "y_m": at[1] + rng.uniform(-40, 40, n),
         "category_zh": "违停", "category_en": "Parking",
         "hour_of_week": np.where(np.arange(n) % 4, 33.0, np.nan)}
    )  # fmt: skip


def cover(seen: pd.DataFrame, **params: float) -> Coverage:
    return find_coverage(GROUND, AREA, seen, incidents(), now=NOW, weeks=10,
                         params=CoverageParams(**params))  # type: ignore[arg-type]  # fmt: skip


def everywhere(source: str = "drone", *, ago: int = 5) -> dict[tuple[int, int], tuple[str, int]]:
    return {(int(i), int(j)): (source, ago) for i, j in zip(GROUND.i, GROUND.j, strict=True)}


def test_without_any_look_all_is_unknown_and_nothing_is_safe() -> None:
    found = cover(looks({}))
    assert set(found.label) == {"unseen"}
    assert np.isinf(found.last_h).all()
    assert found.unseen_need.sum() == pytest.approx(found.need.sum())
    spots = rank_unseen(found, incidents())
    assert spots["never"].all()
    assert "不等于安全" in spots["reason_zh"].iloc[0]
    assert "not safe" in spots["reason_en"].iloc[0]


def test_need_is_conserved_and_lies_around_reports() -> None:
    found = cover(looks({}))
    assert found.need.sum() == pytest.approx(60 / 10, rel=1e-6)
    assert found.profile.sum() == pytest.approx(1)
    assert found.profile.argmax() == 33
    top = int(found.need.argmax())
    assert (GROUND.i[top], GROUND.j[top]) == (2, 2)


def test_one_source_is_enough_to_be_seen_and_each_is_told_apart() -> None:
    found = cover(looks(everywhere() | {(3, 3): ("vehicle", 2), (4, 4): ("camera", 3)}))
    assert set(found.label) == {"seen"}
    table = coverage_details(found).assign(i=GROUND.i, j=GROUND.j).set_index(["i", "j"])
    assert table.loc[(3, 3), "foot_days"] == pytest.approx(
        (NOW.timestamp() / 3600 - HOUR_NOW + 2) / 24, abs=0.01
    )
    assert np.isnan(table.loc[(3, 3), "drone_days"])
    assert table.loc[(4, 4), "camera_hours"] == 1
    assert rank_unseen(found, incidents()).empty


def test_a_hole_in_the_cover_is_the_spot_that_is_listed() -> None:
    seen = {
        key: value for key, value in everywhere().items() if key not in {(2, 2), (3, 2), (2, 3)}
    }
    found = cover(looks(seen))
    spots = rank_unseen(found, incidents())
    assert len(spots) == 1
    assert spots["cells"].iloc[0] == 3
    assert spots["unseen_m2"].iloc[0] == 7500
    assert spots.geometry.iloc[0].area == pytest.approx(7500)
    assert spots["main_en"].iloc[0] == "Parking"
    assert spots["main_hour"].iloc[0] == 33


def test_a_look_grows_stale_and_an_hour_of_the_week_stays_dark() -> None:
    found = cover(looks(everywhere(ago=30 * 24)), within_days=28)
    assert set(found.label) == {"stale"}
    assert not found.hours_seen["drone"].any()
    spots = rank_unseen(found, incidents())
    assert not spots["never"].any()
    assert spots["last_days"].iloc[0] == pytest.approx(30, abs=0.1)
    recent = cover(looks(everywhere(ago=5)))
    assert recent.hours_seen["drone"].sum(axis=1).tolist() == [1] * LATTICE.n_cells
    assert 0 < recent.unseen_need.sum() < recent.need.sum()


def test_a_spot_belongs_to_one_grid() -> None:
    seen = {k: v for k, v in everywhere().items() if k[1] != 2}
    spots = rank_unseen(cover(looks(seen), least_need=0.0), incidents())
    assert sorted(spots["area_id"]) == [1, 2]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000))
def test_more_looks_never_make_more_blindness(seed: int) -> None:
    rng = np.random.default_rng(seed)
    every = list(everywhere().items())
    some = dict([every[k] for k in rng.permutation(len(every))[:30]])
    more = some | dict([every[k] for k in rng.permutation(len(every))[:10]])
    few, many = cover(looks(some)), cover(looks(more))
    assert (many.last_h <= few.last_h).all()
    assert (many.unseen_need <= few.unseen_need + 1e-12).all()


def test_looks_beyond_the_ground_are_left_out() -> None:
    found = cover(looks({(900, 900): ("foot", 1)}))
    assert set(found.label) == {"unseen"}


def test_the_index_is_the_weighted_share_of_need_and_unknown_without_tracks() -> None:
    area = np.array([1, 1, 2, 2, 0])
    need = np.array([3.0, 1.0, 0.0, 0.0, 9.0])
    yes = np.array([True, False, True, True, True])
    table = protection_index(area, need, walked=yes, staffed=~yes, watched=yes).set_index("area_id")
    assert table.loc[1, ["people", "physical", "technical"]].tolist() == [0.75, 0.25, 0.75]
    assert table.loc[1, "index"] == pytest.approx(0.5 * 0.75 + 0.2 * 0.25 + 0.3 * 0.75)
    assert table.loc[2, "people"] == 1.0  # no report is known: its cells count alike
    assert set(table.index) == {1, 2}
    assert table["index"].between(0, 1).all()
    blind = protection_index(area, need, walked=None, staffed=yes, watched=yes)
    assert set(blind["label"]) == {"unknown"}
    assert blind["index"].isna().all()
    without = ProtectionParams(people=0.0, physical=0.4, technical=0.6)
    assert set(protection_index(area, need, walked=None, staffed=yes, watched=yes,
                                params=without)["label"]) == {"known"}  # fmt: skip
    with pytest.raises(InputError, match="add up to 1"):
        ProtectionParams(people=0.9)
