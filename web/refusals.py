"""One table of what is refused, by its code, in Chinese; the English is the error's own detail."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from geo.errors import GridbeatError, NotFoundError
from governance.cases.states import Need
from governance.cases.steps import StepNeedsError

Told = tuple[str, str]
CHINESE: dict[str, str] = {
    "bad-number": "数量超出允许范围",
    "bad-shift": "班次须先开始后结束，且不超过24小时",
    "binding-not-here": "只有派遣可以指定为不可退单",
    "clock-wrong": "设备时间有误，请校准后再试",
    "ends-before-start": "结束日期须晚于开始日期",
    "every-area": "此操作需要全部区域的权限",
    "level-not-here": "只有立案时可以确定层级",
    "no-area": "没有该区域，或不在您的辖区",
    "no-calendar": "尚未载入工作日历，请联系管理员",
    "no-case": "没有该案件，或不在您的辖区",
    "no-class": "没有该类别",
    "no-department": "本辖区没有该部门",
    "no-kind": "没有该单位类型",
    "no-limit": "请说明延长多久",
    "no-person": "没有该工号；新进人员请填写岗位名称",
    "no-photo": "所附照片尚未上传",
    "no-place": "请说明位置：地图上的点或所在区域",
    "no-post": "没有该任职记录，或不在您的辖区",
    "no-role": "没有该角色",
    "no-shift": "没有该班次，或不在您的辖区",
    "no-step": "没有该操作",
    "no-stop": "没有该巡逻点，路线可能已重排",
    "no-unit": "没有该队伍，或不在您的辖区",
    "no-visit": "没有该次到点记录",
    "no-words": "请说明问题",
    "not-mergeable": "目标案件已结束，不能并入",
    "not-your-role": "您的角色无此权限",
    "number-used": "编号已被其他记录使用",
    "outside": "位置不在您的辖区内",
    "place-unsure": "仅有地址尚不能定位：请在候选位置中选定一个",
    "post-ended": "该任职此前已结束",
    "post-held": "该人员在此期间已担任这一岗位",
    "refused-by-database": "超出您的辖区或权限，未予受理",
    "shift-begun": "班次已开始，须保留在值班表中",
    "shift-overlaps": "该队伍在此时段已有班次",
    "top-level": "已在最高层级，不能再上报",
    "visit-over": "该次到点已记录离开",
}
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
REFUSED_BY_DATABASE = ("超出您的辖区或权限，未予受理", "outside your areas or permissions; refused")
BAD_VALUE = ("内容不符合要求，未予受理", "a value cannot be stored; refused")


def chinese_of(error: Exception) -> str | None:
    """Return the Chinese words of an error by its code; None where it has none."""
    if isinstance(error, StepNeedsError):
        return f"还需要：{'、'.join(NEEDS[need] for need in error.needs)}"
    code = error.code if isinstance(error, GridbeatError) else None
    return CHINESE.get(code) if code else None


def tell_error(error: Exception) -> Told:
    """Return why something was not done; Chinese names the matter, English the detail."""
    known = "未找到所指内容" if isinstance(error, NotFoundError) else "内容不符合要求"
    return (chinese_of(error) or known, str(error))


def tell_database_error(error: DBAPIError) -> Told | None:
    """Return why the database refused a row; None if that is no fault of the entry."""
    state = getattr(error.orig, "sqlstate", None) or ""
    if state == "42501":
        return REFUSED_BY_DATABASE
    return BAD_VALUE if state[:2] in {"22", "23"} else None
