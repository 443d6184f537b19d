"""Every text of the screens, in Chinese and English."""

from __future__ import annotations

from typing import Literal

from geo.errors import InputError

Lang = Literal["zh", "en", "both"]
LANGUAGES: tuple[Lang, ...] = ("zh", "en", "both")

TEXTS: dict[str, tuple[str, str]] = {
    # Notices
    "simulated": ("模拟数据", "SIMULATED"),
    "internal": ("内部资料 未经审核不得公开", "Internal: not for publication"),
    "approval": ("审图号", "Map approval no."),
    "data_window": ("数据时段", "Data from–to"),
    "made_at": ("生成时间", "Made at"),
    "crs": ("坐标系", "Coordinate system"),
    "generator": ("生成程序", "Made by"),
    "sources": ("数据来源", "Sources"),
    "parameters": ("参数与方法", "Parameters and method"),
    "plan_date": ("计划日期", "Plan for"),
    "draft": ("草案：须经人员审批", "Draft: needs a person's approval"),
    "method_note": (
        "热点与趋势仅依据上报数据；巡逻发现的问题不计入。无上报的网格显示为“情况不明”，不等于安全。",
        "Hotspots and trends rest on reported incidents only, not on what patrols found. "
        "A grid without reports is shown as unknown, never as safe.",
    ),
    "layers": ("图层", "Layers"),
    "legend": ("图例", "Legend"),
    "map": ("地图", "Map"),
    "title": ("热点、趋势与巡逻计划", "Hotspots, trends and patrol plan"),
    # A map for publication
    "title_counts": ("上报事件数", "Reported incidents"),
    "data_window_counts": ("数据时段", "Data from–to"),
    "method_note_counts": (
        "各单元的上报事件数；少于5件（含0件）的单元不着色、不公布。上报少不等于安全。",
        "Reported incidents by cell. Cells with fewer than five, none included, are neither "
        "coloured nor published. Few reports do not mean that a place is safe.",
    ),
    "layer_counts": ("上报事件数", "Reported incidents"),
    "small_withheld": (
        "未着色：少于5件或无上报，不公布",
        "Not coloured: fewer than 5 or none, withheld",
    ),
    # A map of a check of grids
    "title_grids": ("责任网格检查", "Check of the grids"),
    "data_window_grids": ("网格有效日期", "Grids valid on"),
    "method_note_grids": (
        "检查项目：图形、上级、编码、户数、依托单位、重叠、越界、空隙。“×”为错误，修正前不可使用；"
        "“!”为提醒，宜复核。",
        "Checked: shapes, parents, codes, households, host units, overlaps, ground outside the "
        "community, gaps. × is an error: the grids cannot be used until it is mended. "
        "! is a warning: look at it.",
    ),
    # A map of what cameras see
    "title_coverage": ("谁看到了哪里：三源覆盖与死角", "Who saw what, when: three sources"),
    "data_window_coverage": ("需求所依据的上报时段", "Reports that need is known from"),
    "method_note_coverage": (
        "每个单元最近一次被徒步（车巡）、无人机或视频巡查看到的时间。看到指单元中心进入所述可视距离"
        "（不计墙体遮挡）、飞行足迹，或至少四分之一地面在已完成查看的摄像机视域内。从未看到的"
        "单元情况不明，不等于安全；排序依据居民等上报的密度，不含巡查自行发现。",
        "When each cell was last seen on foot or by vehicle, by drone, or by a camera look. Seen "
        "means that its middle came within the stated sight (walls are not counted) or a flight's "
        "footprint, or that a quarter of its ground lay in the view of a camera looked at. What "
        "nobody saw is unknown, not safe; the order is by reports, without what patrols found.",
    ),
    "title_cameras": ("摄像机覆盖与盲区", "Camera coverage and blind spots"),
    "data_window_cameras": ("上报数据时段", "Reports from–to"),
    "method_note_cameras": (
        "视域按方位、视场角与距离计算，并由建筑遮挡；盲区按附近上报频率排序。"
        "无上报处不等于安全。离线摄像机不计入。",
        "Views follow from azimuth, field of view and range, cut by buildings. Blind spots are "
        "ranked by reports around them; where nobody reports nothing is known. Offline cameras "
        "do not count.",
    ),
    # A map of drone flights
    "title_drones": ("无人机任务与空域", "Drone missions and airspace"),
    "data_window_drones": ("计划飞行时间", "Planned flight"),
    "method_note_drones": (
        "粗红虚线为违反空域规则的航段，须经批准或改线。真高未提供地形时按平坦地面计算。"
        "最终以空中交通管理机构为准。",
        "Thick red legs break an airspace rule: they need an approval or another way. Without "
        "terrain, heights assume flat ground. The air traffic authority decides.",
    ),
    # Layers
    "layer_airspace": ("空域", "Airspace"),
    "layer_missions": ("无人机航线", "Drone flights"),
    "zone_forbidden": ("禁区", "prohibited"),
    "zone_controlled": ("须申请的空域", "needs an application"),
    "leg_picture": ("拍摄航段", "leg with pictures"),
    "leg_way": ("往返航段", "leg on the way"),
    "leg_breach": ("违反规则的航段", "leg that breaks a rule"),
    "leg": ("航段", "Leg"),
    "layer_buildings": ("建筑", "Buildings"),
    "layer_roads": ("道路", "Roads"),
    "layer_boundary": ("辖区边界", "Boundary"),
    "layer_grids": ("责任网格", "Grids"),
    "layer_density": ("事件密度", "Density"),
    "layer_trends": ("趋势", "Trends"),
    "layer_hotspots": ("热点", "Hotspots"),
    "layer_rates": ("发生率", "Rates"),
    "layer_forecast": ("下周预测", "Forecast of next week"),
    "layer_emerging": ("时空热点演变", "Emerging hot spots"),
    "layer_week": ("时段分布", "Hours of the week"),
    "week_note": (
        "每行一天（周一起），每格一小时（0–23 时）",
        "A row a day from Monday, a square an hour, 0–23",
    ),
    "busiest": ("最忙时段", "Busiest"),
    "layer_bias": ("来源偏差", "Who speaks up, who is watched"),
    "reports_less": ("上报偏少", "reports less than patrols find"),
    "reports_alike": ("上报与发现相当", "reports as much as patrols find"),
    "reports_more": ("上报偏多", "reports more than patrols find"),
    "reported_share": ("上报占比", "Share of reports"),
    "found_share": ("巡查发现占比（未校正）", "Share of finds, as they come"),
    "corrected_share": ("巡查发现占比（按时长校正）", "Share of finds, by effort"),
    "share_before": ("校正前需求占比", "Share of need before correction"),
    "share_after": ("校正后需求占比", "Share of need after correction"),
    "reporting_ratio": ("上报相对发现", "Reports relative to finds"),
    "effort_h": ("巡查时长（小时）", "Hours watched"),
    "lacking_if_silent": ("若少报则缺时长", "Hours lacking if it reports half"),
    "unknown_grids": ("情况不明的网格", "Unknown grids"),
    "layer_streets": ("街段", "Streets"),
    "street_hot": ("热点街段", "hot street"),
    "street_cold": ("冷点街段", "cold street"),
    "street_density": ("每公里", "per km"),
    "street": ("街道", "Street"),
    "per_street_km": ("沿街密度（每公里）", "Along streets, per km"),
    "layer_clusters": ("聚集区", "Clusters"),
    "layer_scan": ("时空扫描预警", "Outbreak alarms"),
    "layer_changes": ("本期变化", "Latest changes"),
    "group_ground": ("底图", "Ground"),
    "group_findings": ("分析发现", "Findings"),
    "group_action": ("部署", "Who and what is where"),
    "changes": ("最近一周的变化", "What changed in the last week"),
    "no_change": (
        "没有超出偶然波动的变化",
        "Nothing changed by more than chance explains",
    ),
    "layer_views": ("视域（建筑遮挡后）", "Views, cut by buildings"),
    "layer_coverage": ("最近看到", "Last seen"),
    "layer_blind_spots": ("盲区", "Blind spots"),
    "layer_cameras": ("摄像机", "Cameras"),
    "layer_plan": ("巡逻时长", "Patrol hours"),
    "layer_routes": ("巡逻路线", "Patrol routes"),
    "layer_findings": ("检查发现", "Findings"),
    # Legend classes
    "hot": ("热点", "hot"),
    "cold": ("冷点", "cold"),
    "not_significant": ("不显著的单元不绘出", "cells that are not significant are not drawn"),
    "rising": ("上升", "rising"),
    "falling": ("下降", "falling"),
    "no_trend": ("无显著趋势", "no proven trend"),
    "unknown": ("情况不明（无上报）", "unknown (no reports)"),
    "untested": ("上报过少，未检验", "too few reports to test"),
    "grid_line": ("网格界线", "grid border"),
    "boundary_line": ("辖区界线", "border of the district"),
    "road_line": ("道路", "road"),
    "building_area": ("建筑", "building"),
    "camera_view": ("可视范围", "field of view"),
    "camera_view_offline": ("离线摄像机的视域", "view of an offline camera"),
    "seen_1d": ("1天内看到", "seen within 1 day"),
    "seen_3d": ("3天内看到", "seen within 3 days"),
    "seen_7d": ("7天内看到", "seen within 7 days"),
    "seen_28d": ("28天内看到", "seen within 28 days"),
    "days": ("距最近看到（天）", "Days since last seen"),
    "foot_days": ("距徒步或车巡（天）", "Days since foot or vehicle"),
    "drone_days": ("距无人机（天）", "Days since drone"),
    "camera_days": ("距视频查看（天）", "Days since camera look"),
    "seen_long_ago": ("久未看到", "not seen for long"),
    "never_seen": ("从未看到：情况不明", "never seen: unknown"),
    "blind_need": ("未看到处预计每周上报", "reports a week expected unseen"),
    "area_m2": ("可见面积（平方米）", "Ground seen (m²)"),
    "rank": ("序号", "Rank"),
    "need": ("预计每周上报", "Reports a week expected"),
    "unseen_m2": ("不可见地面（平方米）", "Unseen ground (m²)"),
    "camera_online": ("在线", "online"),
    "camera_offline": ("离线", "offline"),
    "camera_unknown": ("状态未知", "status unknown"),
    "route_vehicle": ("车巡路线", "way by car"),
    "route_foot": ("步巡路线", "way on foot"),
    "route_stop": ("到访点（数字为次序）", "visit, numbered in order"),
    "hours_circle": ("圆面积与小时数成正比", "area of the circle: hours"),
    "hours_unknown": ("情况不明的网格", "unknown grid"),
    "error": ("错误", "error"),
    "warning": ("提醒", "warning"),
    "error_extent": ("错误的范围", "extent of an error"),
    "warning_extent": ("提醒的范围", "extent of a warning"),
    "rate_above": ("高于偶然范围", "above the limits of chance"),
    "rate_below": ("低于偶然范围", "below the limits of chance"),
    "rate_within": ("偶然范围之内", "within the limits of chance"),
    "cluster_zone": ("同类事件密集处（描述，非检验）", "dense knot of one class (no test)"),
    "alarm_zone": ("异常聚集 p ≤ 0.05", "more than chance explains, p ≤ 0.05"),
    "rise": ("上升", "rise"),
    "fall": ("下降", "fall"),
    # Fields of popups
    "code": ("编码", "Code"),
    "name": ("名称", "Name"),
    "community": ("社区", "Community"),
    "households": ("户数", "Households"),
    "kind": ("类型", "Kind"),
    "observed": ("上报数", "Reports"),
    "class": ("类别", "Class"),
    "z": ("Gi* z 值", "Gi* z-score"),
    "q_value": ("q 值（FDR 校正）", "q-value (FDR)"),
    "slope": ("每步变化（Sen 斜率）", "Change a step (Sen's slope)"),
    "density": ("密度（件/平方公里）", "Density (per km²)"),
    "status": ("状态", "Status"),
    "azimuth": ("方位角（°）", "Azimuth (°)"),
    "fov": ("视场角（°）", "Field of view (°)"),
    "range_m": ("可视距离（米）", "Range (m)"),
    "view": ("视域", "View"),
    "view_unknown": ("未知，仅显示位置", "unknown, position only"),
    "hours": ("小时", "Hours"),
    "explore_h": ("其中探索", "Of these to explore"),
    "trend_h": ("因趋势增减", "By trend"),
    "unit": ("单元", "Unit"),
    "order": ("次序", "Order"),
    "times": ("时间", "Times"),
    "reason": ("理由", "Reason"),
    "text": ("问题", "Finding"),
    "why": ("依据", "Why"),
    "category": ("问题类别", "Class of problem"),
    "rate": ("每周每千户（平滑）", "A week per 1,000 households, smoothed"),
    "raw": ("原始值", "Raw"),
    "low": ("偶然范围下限", "Lower limit of chance"),
    "high": ("偶然范围上限", "Upper limit of chance"),
    "expected": ("往常", "Usual"),
    "expected_next": ("下周预计上报", "Expected next week"),
    "interval": ("区间", "Interval"),
    "p_value": ("p 值", "p-value"),
    "recurrence_days": ("偶然误报间隔（天）", "False alarm once in (days)"),
    "first_day": ("自", "From"),
    "last_day": ("至", "To"),
    "radius_m": ("半径（米）", "Radius (m)"),
}


def say(key: str, lang: Lang) -> str:
    """Return a text in one language, or in both with a slash between.

    Raises
    ------
    InputError
        If the language is none of `LANGUAGES`.
    KeyError
        If there is no such text: a fault of the program.
    """
    if lang not in LANGUAGES:
        msg = f"language {lang!r} is unknown; choose one of {', '.join(LANGUAGES)}"
        raise InputError(msg)
    zh, en = TEXTS[key]
    if lang == "both":
        return zh if zh == en else f"{zh} / {en}"
    return zh if lang == "zh" else en


def html_lang(lang: Lang) -> str:
    """Return the value of the ``lang`` attribute of a page."""
    return "en" if lang == "en" else "zh-CN"
