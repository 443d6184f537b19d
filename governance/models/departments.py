"""The tables of departments and of who answers for what."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import LEVELS, Base, identity_key, one_of


class Department(Base):
    """Who may be sent a case."""

    __tablename__ = "department"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "code"),
        CheckConstraint(one_of("level", LEVELS), name="level"),
    )
    department_id: Mapped[int] = identity_key(Integer)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    code: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str]
    level: Mapped[str]


class RoutingRule(Base):
    """Which department a class of problems goes to, in an area or everywhere."""

    __tablename__ = "routing_rule"
    __table_args__ = (
        UniqueConstraint(
            "jurisdiction_id",
            "scheme",
            "category_code",
            "area_id",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint(one_of("level", LEVELS), name="level"),
    )
    routing_rule_id: Mapped[int] = identity_key(Integer)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    scheme: Mapped[str | None]
    category_code: Mapped[str | None]
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.area_id"))
    department_id: Mapped[int] = mapped_column(ForeignKey("department.department_id"))
    level: Mapped[str | None]
    basis: Mapped[str] = mapped_column(server_default="")
