"""The tables of incident counts by hexagon, kept by `refresh_hexagons` for overviews."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ARRAY, BigInteger, Identity, Index, Integer, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import Base


def part_of_key(size: type[Integer]) -> Mapped[int]:
    """Return a column of a primary key that is not numbered by the database."""
    return mapped_column(size, primary_key=True, autoincrement=False)


class HexagonDay(Base):
    """Incidents of a local day and class (0: all) over all areas, in a block of hexagons.

    A block is 64 x 64 hexagons of a level; ``cells`` are their places in it, 64 * (i & 63) +
    (j & 63), and ``counts`` the incidents there.
    """

    __tablename__ = "hexagon_day"
    __table_args__ = (Index("ix_hexagon_day_day", "jurisdiction_id", "day"),)
    level: Mapped[int] = part_of_key(Integer)
    block_i: Mapped[int] = part_of_key(Integer)
    block_j: Mapped[int] = part_of_key(Integer)
    category_id: Mapped[int] = part_of_key(Integer)
    day: Mapped[date] = mapped_column(primary_key=True)
    jurisdiction_id: Mapped[int] = part_of_key(Integer)
    cells: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    counts: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class HexagonMonth(Base):
    """Like `HexagonDay`, of all days of a local month, which its first day names."""

    __tablename__ = "hexagon_month"
    level: Mapped[int] = part_of_key(Integer)
    block_i: Mapped[int] = part_of_key(Integer)
    block_j: Mapped[int] = part_of_key(Integer)
    category_id: Mapped[int] = part_of_key(Integer)
    month: Mapped[date] = mapped_column(primary_key=True)
    jurisdiction_id: Mapped[int] = part_of_key(Integer)
    cells: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    counts: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class HexagonTotal(Base):
    """Incidents of all time by class (0: all) over all areas, in a block of hexagons."""

    __tablename__ = "hexagon_total"
    level: Mapped[int] = part_of_key(Integer)
    block_i: Mapped[int] = part_of_key(Integer)
    block_j: Mapped[int] = part_of_key(Integer)
    category_id: Mapped[int] = part_of_key(Integer)
    cells: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    counts: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class HexagonAreaDay(Base):
    """Incidents of one area (0: of those in none) and local day, in a block of finest hexagons.

    ``category_ids``, ``cells`` and ``counts`` go together; ``n`` is the sum of ``counts``.
    """

    __tablename__ = "hexagon_area_day"
    __table_args__ = (Index("ix_hexagon_area_day_day", "day", "jurisdiction_id"),)
    block_i: Mapped[int] = part_of_key(Integer)
    block_j: Mapped[int] = part_of_key(Integer)
    day: Mapped[date] = mapped_column(primary_key=True)
    area_id: Mapped[int] = part_of_key(BigInteger)
    jurisdiction_id: Mapped[int] = part_of_key(Integer)
    n: Mapped[int]
    category_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    cells: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    counts: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class HexagonAreaMonth(Base):
    """Like `HexagonAreaDay`, of all days of a local month, which its first day names."""

    __tablename__ = "hexagon_area_month"
    block_i: Mapped[int] = part_of_key(Integer)
    block_j: Mapped[int] = part_of_key(Integer)
    month: Mapped[date] = mapped_column(primary_key=True)
    area_id: Mapped[int] = part_of_key(BigInteger)
    jurisdiction_id: Mapped[int] = part_of_key(Integer)
    category_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    cells: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    counts: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class HexagonAreaTotal(Base):
    """Incidents of one area of all time, in a block of finest hexagons."""

    __tablename__ = "hexagon_area_total"
    block_i: Mapped[int] = part_of_key(Integer)
    block_j: Mapped[int] = part_of_key(Integer)
    area_id: Mapped[int] = part_of_key(BigInteger)
    category_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    cells: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    counts: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class HexagonDirty(Base):
    """A local day that is to be counted anew; filled from the notes by whoever counts."""

    __tablename__ = "hexagon_dirty"
    jurisdiction_id: Mapped[int] = part_of_key(Integer)
    day: Mapped[date] = mapped_column(primary_key=True)


class HexagonNote(Base):
    """A local day whose incidents a transaction changed; only added, so that nobody waits."""

    __tablename__ = "hexagon_note"
    note_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(Integer)
    day: Mapped[date]


class HexagonGround(Base):
    """What counts in a hexagon are compared to, by grid (0: in none); null where not recorded.

    ``patrol_s`` is seconds of patrols on foot and in vehicles in the last 28 days of which there
    are records, ``finds`` what patrols found in the same days.
    """

    __tablename__ = "hexagon_ground"
    level: Mapped[int] = part_of_key(Integer)
    i: Mapped[int] = part_of_key(Integer)
    j: Mapped[int] = part_of_key(Integer)
    area_id: Mapped[int] = part_of_key(BigInteger)
    jurisdiction_id: Mapped[int] = part_of_key(Integer)
    households: Mapped[int | None] = mapped_column(BigInteger)
    patrol_s: Mapped[float | None]
    finds: Mapped[int | None] = mapped_column(BigInteger)
