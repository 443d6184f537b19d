"""The table of grades of indicators."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import Base


class IndicatorGrade(Base):
    """From which value on an indicator has a grade, where a district has its own words."""

    __tablename__ = "indicator_grade"
    jurisdiction_id: Mapped[int] = mapped_column(
        ForeignKey("jurisdiction.jurisdiction_id"), primary_key=True
    )
    grade: Mapped[str] = mapped_column(primary_key=True)
    at_least: Mapped[float]
