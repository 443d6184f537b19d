"""The tables of incident counts by hexagon, kept by `refresh_hexagons` for overviews."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Identity, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import Base


class HexagonDay(Base):
    """Incidents of one hexagon, local day, class and grid (0: in none)."""

    __tablename__ = "hexagon_day"
    __table_args__ = (Index("ix_hexagon_day_day", "jurisdiction_id", "day"),)
    level: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    i: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    j: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    category_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    area_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    jurisdiction_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    n: Mapped[int]


class HexagonTotal(Base):
    """Incidents of one hexagon of all time, by class (0: all) and grid (0: all)."""

    __tablename__ = "hexagon_total"
    __table_args__ = (Index("ix_hexagon_total_empty", "level", postgresql_where=text("n = 0")),)
    level: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    i: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    j: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    category_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    area_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(BigInteger)


class HexagonDirty(Base):
    """A local day that is to be counted anew; filled from the notes by whoever counts."""

    __tablename__ = "hexagon_dirty"
    jurisdiction_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)


class HexagonNote(Base):
    """A local day whose incidents a transaction changed; only added, so that nobody waits."""

    __tablename__ = "hexagon_note"
    note_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(Integer)
    day: Mapped[date]


class HexagonGround(Base):
    """What counts in a hexagon are compared to, by grid (0: in none); null where not recorded.

    ``patrol_s`` is seconds of patrols in the last 28 days of which there are records.
    """

    __tablename__ = "hexagon_ground"
    level: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    i: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    j: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    area_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    jurisdiction_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    households: Mapped[int | None] = mapped_column(BigInteger)
    patrol_s: Mapped[float | None]
