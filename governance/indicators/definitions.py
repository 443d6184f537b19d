"""What each indicator is: its numerator and denominator in words, and how grades are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from geo.errors import InputError


@dataclass(frozen=True)
class Indicator:
    """One indicator: a share of what was due.

    Attributes
    ----------
    good_zh, good_en
        What the numerator counts.
    due_zh, due_en
        What the denominator counts; an indicator of a period counts what fell due in it.
    higher_is_better
        Whether a grade reads the share itself, or what it lacks to one.
    """

    code: str
    zh: str
    en: str
    good_zh: str
    good_en: str
    due_zh: str
    due_en: str
    higher_is_better: bool = True


INDICATORS: dict[str, Indicator] = {
    item.code: item
    for item in (
        Indicator(
            "on_time", "按期结案率", "Closed on time",
            "按期处置完成并结案的案件", "cases finished by their deadline and closed",
            "处置期限落在本期的案件（不含作废、并案、挂账）",
            "cases whose deadline of handling falls in the period (without void, merged and "
            "suspended ones); the deadline is the first one with granted extensions",
        ),
        Indicator(
            "effective", "有效上报率", "Effective reports",
            "立案或并入案件的上报", "reports that were filed as a case or joined to one",
            "本期收到并已作处理决定的上报", "reports that came in in the period and were decided",
        ),
        Indicator(
            "rework", "返工率", "Sent back",
            "至少返工一次的案件", "cases sent back at least once",
            "本期首次处置完成的案件", "cases first finished in the period",
            higher_is_better=False,
        ),
        Indicator(
            "at_level", "本级办结率", "Solved at their level",
            "未上报上级即结案的案件", "cases closed without going up a level",
            "本期结案的案件", "cases closed in the period",
        ),
        Indicator(
            "response", "按期签收率", "Signed for in time",
            "在签收期限内签收的派单", "dispatches signed for within their limit",
            "签收期限落在本期的派单（不含期内提出异议的）",
            "dispatches whose limit to sign falls in the period (without those objected to in "
            "time)",
        ),
        Indicator(
            "satisfaction", "满意率", "Satisfied",
            "回访表示满意", "call-backs that said satisfied",
            "本期回访成功（联系上）的回访", "call-backs of the period that reached somebody",
        ),
    )
}  # fmt: skip
# From which share on each grade; a district may have others in indicator_grade.
GRADES: Mapping[str, float] = MappingProxyType(
    {"A": 0.90, "B": 0.75, "C": 0.60, "D": 0.40, "E": 0.0}
)


def grade_of(
    value: float | None, indicator: Indicator, grades: Mapping[str, float] = GRADES
) -> str | None:
    """Return the grade of a share; None where nothing was due.

    Raises
    ------
    InputError
        No grade begins at 0, so that some share has none.
    """
    if not grades or min(grades.values()) > 0:
        raise InputError("grades need one that begins at 0", code="bad-grade")
    if value is None:
        return None
    read = value if indicator.higher_is_better else 1.0 - value
    # 0.9 of ten thirds may be 0.8999999: what is shown as equal is equal.
    fit = {grade: start for grade, start in grades.items() if read >= start - 1e-9}
    return max(fit, key=lambda grade: fit[grade])
