"""Roles and permissions in words, Chinese and English."""

from __future__ import annotations

from types import MappingProxyType

from web.auth.permissions import Permission, Role
from web.language import PageLang

_P = Permission
ROLE_WORDS = MappingProxyType(
    {
        Role.WATCH: ("指挥值班", "watch"),
        Role.PLANNER: ("勤务调度", "planner"),
        Role.DISPATCHER: ("受理派单", "dispatcher"),
        Role.OFFICER: ("网格员", "officer"),
        Role.SUPERVISOR: ("主管", "supervisor"),
        Role.ANALYST: ("分析员", "analyst"),
        Role.CAMERA_ADMINISTRATOR: ("视频管理员", "camera administrator"),
        Role.AUDITOR: ("审计员", "auditor"),
        Role.ADMINISTRATOR: ("系统管理员", "administrator"),
    }
)
PERMISSION_WORDS = MappingProxyType(
    {
        _P.PUBLIC: ("公开页面", "public pages"),
        _P.SIGNED_IN: ("登录后的页面", "pages after signing in"),
        _P.LOOKS_WRITE: ("登记视频巡查", "record camera rounds"),
        _P.MAP_READ: ("查看地图", "see the map"),
        _P.INCIDENTS_READ: ("查看事件", "see incidents"),
        _P.INCIDENTS_WRITE: ("上报事件", "report incidents"),
        _P.CAMERAS_READ: ("查看摄像机", "see cameras"),
        _P.CAMERAS_WRITE: ("维护摄像机", "change cameras"),
        _P.CASES_APPROVE: ("审批案件", "approve steps of cases"),
        _P.CASES_CHECK: ("核查案件", "check cases"),
        _P.CASES_DISPATCH: ("派遣案件", "dispatch cases"),
        _P.CASES_ESCALATE: ("上报上级", "send cases up"),
        _P.CASES_HANDLE: ("处置案件", "handle cases"),
        _P.CASES_INTAKE: ("受理上报", "take reports in"),
        _P.CASES_READ: ("查看案件", "see cases"),
        _P.CASES_REPORT: ("上报问题", "report problems"),
        _P.RECORDS_EXPORT: ("导出个人履职记录", "export a person's record"),
        _P.RESULTS_READ: ("查看分析结果", "see results of analyses"),
        _P.PLANS_READ: ("查看勤务计划", "see plans"),
        _P.PLANS_WRITE: ("编制勤务计划", "draft plans"),
        _P.PLANS_APPROVE: ("批准勤务计划", "approve plans"),
        _P.POSTS_READ: ("查看岗位", "see posts"),
        _P.POSTS_WRITE: ("维护岗位", "change posts"),
        _P.TRACKS_OWN: ("记录本人轨迹", "record one's own track"),
        _P.TRACKS_READ: ("查看巡逻轨迹", "see patrols' tracks"),
        _P.ALERTS_WRITE: ("确认告警", "acknowledge alerts"),
        _P.WALL_VIEW: ("查看大屏", "see the wall"),
        _P.WALL_DIRECT: ("导播大屏", "steer the wall"),
        _P.GRIDS_WRITE: ("调整网格", "change grids"),
        _P.JOBS_RUN: ("运行分析任务", "run analyses"),
        _P.TOKENS_OWN: ("管理本人令牌", "make tokens of one's own"),
        _P.AUDIT_READ: ("查看审计日志", "read the audit log"),
        _P.USERS_MANAGE: ("管理账户", "manage accounts"),
    }
)


def role_word(role: str, lang: PageLang) -> str:
    """Return a role's name; one that is not ours stays as it is."""
    return ROLE_WORDS[Role(role)][lang == "en"] if role in set(Role) else role


def permission_word(permission: str, lang: PageLang) -> str:
    """Return what a permission permits."""
    return PERMISSION_WORDS[Permission(permission)][lang == "en"]
