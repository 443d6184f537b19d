"""What is told of a refusal: Chinese by its code, English as the error's own detail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy.exc import DBAPIError

from geo.errors import GridbeatError, NotFoundError
from governance.cases.states import Need
from governance.cases.steps import StepNeedsError
from web.refusal_words import CHINESE, DETAILED

Told = tuple[str, str]
NEEDS: dict[Need, str] = {
    "reason": "理由",
    "department": "承办部门",
    "category": "经人确认的类别",
    "evidence": "处置后的照片等凭证",
    "other_person": "由他人办理",
    "approver": "由申请人以外的人审批，且已有申请",
    "outcome": "不立案情形",
    "case": "并入的案件",
    "satisfaction": "回访结果",
    "unbound": "派单未限定不可退（对本派单的异议已处理过）",
}
# What pydantic finds, by the beginning of its type.
FIELDS = {
    "missing": "必填",
    "extra_forbidden": "没有该字段",
    "string_too_long": "过长",
    "string_too_short": "不能为空或过短",
    "string_pattern_mismatch": "格式不符",
    "string": "应为文字",
    "literal_error": "不在可选范围",
    "enum": "不在可选范围",
    "int": "应为整数",
    "float": "应为数值",
    "bool": "应为真或假",
    "greater_than": "过小",
    "less_than": "过大",
    "finite_number": "应为有限数值",
    "date": "应为日期",
    "timezone": "须带时区",
    "uuid": "编号格式不符",
    "too_long": "项数过多",
    "too_short": "项数过少",
    "list": "应为列表",
    "dict": "应为对象",
    "model": "应为对象",
    "json": "不是有效的 JSON",
}
REFUSED_BY_DATABASE = ("超出您的辖区或权限，未予受理", "outside your areas or permissions; refused")
BAD_VALUE = ("内容不符合要求，未予受理", "a value cannot be stored; refused")


def chinese_of(error: Exception) -> str | None:
    """Return the Chinese words of an error by its code; None where it has none."""
    if isinstance(error, StepNeedsError):
        return f"还需要：{'、'.join(NEEDS[need] for need in error.needs)}"
    code = error.code if isinstance(error, GridbeatError) else None
    words = CHINESE.get(code) if code else None
    said = str(error)
    if words is None:
        return None
    if "\u4e00" <= said[:1] <= "\u9fff":
        return said  # it is in both languages, and says more
    return f"{words}（{said}）" if code in DETAILED else words


def tell_error(error: Exception) -> Told:
    """Return why something was not done; Chinese names the matter, English the detail."""
    known = "未找到所指内容" if isinstance(error, NotFoundError) else "内容不符合要求"
    return (chinese_of(error) or known, str(error))


def tell_work(error: GridbeatError) -> Told:
    """Return why long work failed; what has no Chinese words of its own is given as it is."""
    zh, en = tell_error(error)
    return (zh if chinese_of(error) else f"{zh}（{en}）", en)


def tell_fault(error: Exception) -> Told:
    """Return what to tell of an error that is nobody's but ours; the log has the rest."""
    kind = type(error).__name__
    return (f"巡格内部错误（{kind}）", f"a fault in Gridbeat: {kind}")


def tell_field(found: Mapping[str, Any], lang: Literal["zh", "en"]) -> str:
    """Return where a request is wrong and what is, for one thing that the check of it found."""
    where = ".".join(str(part) for part in found.get("loc", ()))
    if lang == "en":
        return f"{where}: {found.get('msg')}"
    kind = str(found.get("type", ""))
    known = [word for begin, word in FIELDS.items() if kind.startswith(begin)]
    return f"{where}：{known[0] if known else '不符合要求'}"


def tell_database_error(error: DBAPIError) -> Told | None:
    """Return why the database refused a row; None if that is no fault of the entry."""
    state = getattr(error.orig, "sqlstate", None) or ""
    if state == "42501":
        return REFUSED_BY_DATABASE
    return BAD_VALUE if state[:2] in {"22", "23"} else None
