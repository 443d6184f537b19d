"""The mapping file: which column is what, in which zone and reference system."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from geo.errors import MappingError
from geo.imports.kinds import kind_named
from geo.imports.schema import Kind

PERSONAL_NAMES = (
    "姓名", "身份证", "证件号", "手机", "电话", "联系方式", "联系人", "出生", "人脸", "民族",
    "id_card", "identity", "passport", "phone", "mobile", "email", "first_name", "last_name",
    "full_name", "victim", "suspect", "offender", "date_of_birth", "birthday", "race", "ethnic",
    "gender", "face",
)  # fmt: skip
_TEMPLATE = re.compile(r"\{([^{}]+)\}")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NewJurisdiction(_Frozen):
    """The jurisdiction that a first import of boundaries founds."""

    code: str
    name: str
    name_en: str | None = None
    time_zone: str
    code_scheme: Literal["cn", "local"] = "local"
    metric_srid: int | None = None
    simulated: bool = False


class Category(_Frozen):
    """A class that the mapping adds to the scheme."""

    name: str
    name_en: str | None = None
    group: str | None = None


class Mapping(_Frozen):
    """How the columns of one kind of file become the fields of one kind of record.

    Attributes
    ----------
    columns
        Field -> column name, or a template such as ``"{year}-{month}"`` that joins columns.
        ``x`` and ``y`` name coordinates in `crs`; without them the file's geometry is taken.
    constants
        Field -> one value for every row.
    values
        Field -> {value in the file: value of the field}; ``*`` stands for all others.
    where
        Column -> values; other rows are left out and counted.
    midnight
        ``unknown``: a local time of exactly 00:00 means that the hour is not known.
    outside, outside_margin_m
        What becomes of points farther than the margin from the jurisdiction: a fault to be
        mended, or, for files of a larger place, rows of others that are left out and counted.
    covers_to
        The last day up to which the source says that the file is complete: periods of analysis
        end there, and not with the newest row.
    mend
        Whether an invalid polygon may be mended where its area stays the same within 0.1 %.
    """

    kind: str
    source: str
    title: str | None = None
    licence: str | None = None
    covers_to: date | None = None
    jurisdiction: str | None = None
    new_jurisdiction: NewJurisdiction | None = None
    crs: str | None = None
    time_zone: str | None = None
    time_format: str | None = None
    date_format: str | None = None
    midnight: Literal["exact", "unknown"] = "exact"
    category_scheme: str | None = None
    encoding: str | None = None
    layer: str | None = None
    mend: bool = False
    outside: Literal["quarantine", "leave_out"] = "quarantine"
    outside_margin_m: float = Field(default=1000.0, ge=0)
    attributes: tuple[str, ...] = ()
    columns: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, str] = Field(default_factory=dict)
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    where: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    categories: dict[str, Category] = Field(default_factory=dict)

    @field_validator("categories", mode="before")
    @classmethod
    def _names_only(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {k: {"name": v} if isinstance(v, str) else v for k, v in value.items()}

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ValueError(
                    f"no time zone {value!r}: use a name like Asia/Shanghai"
                ) from error
        return value

    @field_validator("time_format", "date_format")
    @classmethod
    def _readable_format(cls, value: str | None) -> str | None:
        if value is not None:
            now = datetime(2024, 2, 29, 13, 45, 59, tzinfo=UTC)
            try:
                datetime.strptime(now.strftime(value), value)  # noqa: DTZ007 - only a trial
            except ValueError as error:
                raise ValueError(f"{value!r} is no strptime format: {error}") from error
        return value

    def kind_of(self) -> Kind:
        """Return the kind of records that this mapping makes."""
        return kind_named(self.kind)


def template_columns(spec: str) -> list[str]:
    """Return the columns that a column spec names."""
    return _TEMPLATE.findall(spec) or [spec]


def read_mapping(path: Path) -> Mapping:
    """Read a mapping from a TOML file.

    Raises
    ------
    MappingError
        If the file is missing, is not TOML, or holds unknown or wrong settings.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise MappingError(
            f"{path}: no such mapping file; `gridbeat import inspect FILE` prints one to start from"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError(f"{path.name}: not readable as TOML: {error}") from error
    return make_mapping(data, name=path.name)


def make_mapping(data: dict[str, object], *, name: str = "mapping") -> Mapping:
    """Check the settings of a mapping.

    Raises
    ------
    MappingError
        If a setting is unknown, missing or wrong; the message lists each.
    """
    try:
        mapping = Mapping.model_validate(data)
    except ValidationError as error:
        lines = [
            f"{'.'.join(map(str, item['loc'])) or 'mapping'}: {item['msg']}"
            for item in error.errors()
        ]
        raise MappingError(f"{name}: " + "; ".join(lines)) from error
    _check_fields(mapping, name)
    return mapping


def _check_fields(mapping: Mapping, name: str) -> None:
    kind = mapping.kind_of()
    of_columns = {*mapping.columns} - {"source_ref", "x", "y"}
    for field in (*sorted(of_columns), *mapping.constants, *mapping.values):
        kind.field(field)
    missing = [
        field.name
        for field in kind.fields
        if field.required and field.name not in {*mapping.columns, *mapping.constants}
    ]
    if missing:
        raise MappingError(
            f"{name}: {kind.name} need {', '.join(missing)}: name a column under [columns] "
            "or one value under [constants]"
        )
    if ("x" in mapping.columns) != ("y" in mapping.columns):
        raise MappingError(f"{name}: x and y go together under [columns]")
    if kind.name == "incidents" and mapping.category_scheme is None:
        raise MappingError(f"{name}: incidents need a category_scheme")
    personal = [
        column
        for column in (*mapping.attributes, *mapping.columns.values())
        if any(mark in column.lower() for mark in PERSONAL_NAMES)
    ]
    if personal:
        raise MappingError(
            f"{name}: {', '.join(personal)} looks like a person's identity, which Gridbeat does "
            "not keep: leave it out"
        )


def check_columns(mapping: Mapping, names: tuple[str, ...], *, file: str) -> None:
    """Check that a file has every column that a mapping names.

    Raises
    ------
    MappingError
        If a column is missing; the message lists those that are there.
    """
    wanted = [c for spec in mapping.columns.values() for c in template_columns(spec)]
    wanted += [*mapping.attributes, *mapping.where]
    missing = sorted({column for column in wanted if column not in names})
    if missing:
        raise MappingError(
            f"{file}: the mapping names {', '.join(map(repr, missing))}, but the file has "
            f"{', '.join(map(repr, names))}"
        )
