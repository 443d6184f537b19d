"""What can be imported: every kind of record with its fields."""

from __future__ import annotations

from geo.errors import MappingError
from geo.imports.schema import Field, Kind
from geo.models.airspace import AIRSPACE_KINDS, DRONE_CLASSES
from geo.models.base import CAMERA_STATUSES, FOUND_BY, GRID_KINDS, LEVELS, STATION_KINDS, UNIT_KINDS

_NAME = Field("name", synonyms=("name", "label", "title", "名称", "点位名称"))
_HOUSEHOLDS = Field(
    "households",
    "integer",
    minimum=0,
    synonyms=("households", "household_count", "户数", "常住户数"),
)
_AREA_FIELDS = (
    Field("code", required=True, synonyms=("code", "adcode", "编码", "网格编码", "beat", "id")),
    Field("name", required=True, synonyms=("name", "label", "名称", "网格名称")),
    Field("name_en", synonyms=("name_en", "english_name", "英文名称")),
    _HOUSEHOLDS,
    Field("valid_from", "date", default="-infinity", synonyms=("valid_from", "初始时间")),
    Field("valid_to", "date", default="infinity", synonyms=("valid_to", "终止时间")),
    Field("parent_code", synonyms=("parent_code", "上级编码")),
)

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "incidents",
            "incident",
            "incident_id",
            "point",
            (
                Field(
                    "occurred_at",
                    "time",
                    required=True,
                    synonyms=(
                        "occurred_at",
                        "date",
                        "datetime",
                        "time",
                        "occurred_on",
                        "发生时间",
                        "month",
                    ),
                ),
                Field("occurred_until", "time", synonyms=("occurred_until", "结束时间")),
                Field(
                    "reported_at",
                    "time",
                    synonyms=("reported_at", "updated_on", "受理时间", "上报时间"),
                ),
                Field(
                    "category",
                    required=True,
                    synonyms=(
                        "category",
                        "primary_type",
                        "type",
                        "crime_type",
                        "小类代码",
                        "类别",
                        "class",
                    ),
                ),
                Field(
                    "found_by",
                    required=True,
                    choices=FOUND_BY,
                    synonyms=("found_by", "channel", "来源", "上报渠道"),
                ),
                Field("accuracy_m", "number", minimum=0, synonyms=("accuracy_m", "accuracy")),
            ),
        ),
        Kind(
            "boundaries",
            "area",
            "area_id",
            "polygon",
            (
                *_AREA_FIELDS,
                Field("level", required=True, choices=LEVELS[:3], synonyms=("level", "层级")),
            ),
        ),
        Kind(
            "grids",
            "area",
            "area_id",
            "polygon",
            (
                *_AREA_FIELDS,
                Field(
                    "grid_kind",
                    default="basic",
                    choices=GRID_KINDS,
                    synonyms=("grid_kind", "kind", "网格类型"),
                ),
                Field("host_unit", synonyms=("host_unit", "责任单位")),
                Field("exempt_reason", synonyms=("exempt_reason",)),
            ),
        ),
        Kind(
            "cameras",
            "camera",
            "camera_id",
            "point",
            (
                _NAME,
                Field(
                    "azimuth_deg",
                    "number",
                    minimum=0,
                    below=360,
                    synonyms=("azimuth_deg", "azimuth", "方位角", "朝向"),
                ),
                Field(
                    "fov_deg",
                    "number",
                    minimum=0.001,
                    maximum=360,
                    synonyms=("fov_deg", "fov", "视场角"),
                ),
                Field(
                    "range_m", "number", minimum=0.001, synonyms=("range_m", "range", "可视距离")
                ),
                Field("height_m", "number", minimum=0, synonyms=("height_m", "height", "安装高度")),
                Field("mount", synonyms=("mount", "安装方式")),
                Field(
                    "status",
                    choices=CAMERA_STATUSES,
                    default="unknown",
                    synonyms=("status", "状态"),
                ),
                Field(
                    "gb28181_id",
                    pattern=r"^[0-9]{20}$",
                    synonyms=("gb28181_id", "国标编码", "设备编码"),
                ),
                Field("place_class", synonyms=("place_class", "场所类别")),
                Field("owner_unit", synonyms=("owner_unit", "建设单位")),
                Field("legal_basis", synonyms=("legal_basis", "法律依据")),
                Field("sign_posted", "flag", synonyms=("sign_posted", "提示标识")),
                Field("in_use_on", "date", synonyms=("in_use_on", "go_live_date", "投用日期")),
                Field("filing_no", synonyms=("filing_no", "备案编号")),
                Field("filed_on", "date", synonyms=("filed_on", "备案日期")),
                Field(
                    "retention_days", "integer", minimum=0, synonyms=("retention_days", "保存天数")
                ),
                Field("retention_reason", synonyms=("retention_reason", "延长保存理由")),
                Field(
                    "image_px",
                    "integer",
                    minimum=1,
                    synonyms=("image_px", "horizontal_pixels", "水平像素"),
                ),
                Field(
                    "presets",
                    pattern=r"^[0-9.]+/[0-9.]+/[0-9.]+(; ?[0-9.]+/[0-9.]+/[0-9.]+)*$",
                    synonyms=("presets", "预置位"),
                ),
            ),
        ),
        Kind(
            "buildings",
            "building",
            "building_id",
            "polygon",
            (
                Field("kind", synonyms=("kind", "building", "建筑类型")),
                _NAME,
                Field("height_m", "number", minimum=0.001, synonyms=("height_m", "height", "高度")),
                Field(
                    "levels",
                    "integer",
                    minimum=1,
                    maximum=999,
                    synonyms=("levels", "floors", "层数"),
                ),
                _HOUSEHOLDS,
            ),
        ),
        Kind(
            "roads",
            "road",
            "road_id",
            "line",
            (
                Field("kind", required=True, synonyms=("kind", "highway", "class", "道路等级")),
                _NAME,
                Field("oneway", "flag", default="false", synonyms=("oneway", "单行")),
            ),
        ),
        Kind(
            "water",
            "water",
            "water_id",
            "polygon",
            (Field("kind", synonyms=("kind", "natural", "waterway", "水系类型")), _NAME),
        ),
        Kind(
            "stations",
            "station",
            "station_id",
            "point",
            (
                Field("kind", required=True, choices=STATION_KINDS, synonyms=("kind", "类型")),
                Field("name", required=True, synonyms=("name", "名称", "district")),
                Field("address", synonyms=("address", "地址")),
                Field("opening_hours", synonyms=("opening_hours", "开放时间")),
            ),
        ),
        Kind(
            "households",
            "household_point",
            "household_point_id",
            "point",
            (
                Field(
                    "households", "integer", required=True, minimum=0, synonyms=_HOUSEHOLDS.synonyms
                ),
                Field("address", synonyms=("address", "地址")),
            ),
        ),
        Kind(
            "units",
            "unit",
            "unit_id",
            None,
            (
                Field(
                    "kind", required=True, choices=UNIT_KINDS, synonyms=("kind", "类型", "队伍类型")
                ),
                Field("name", required=True, synonyms=("name", "名称", "队伍名称")),
                Field(
                    "headcount", "integer", minimum=1, default="1", synonyms=("headcount", "人数")
                ),
                Field("home_station", synonyms=("home_station", "驻地")),
                Field("area_code", synonyms=("area_code", "网格编码", "grid_code")),
            ),
        ),
    )
}

KINDS |= {
    kind.name: kind
    for kind in (
        Kind(
            "airspace",
            "airspace_zone",
            "zone_id",
            "polygon",
            (
                Field(
                    "kind",
                    required=True,
                    choices=AIRSPACE_KINDS,
                    synonyms=("kind", "type", "类型", "空域类型"),
                ),
                Field("name", required=True, synonyms=_NAME.synonyms),
                Field("authority", synonyms=("authority", "发布单位")),
                Field(
                    "floor_m",
                    "number",
                    minimum=0,
                    default="0",
                    synonyms=("floor_m", "floor", "下限", "下限高度"),
                ),
                Field(
                    "ceiling_m",
                    "number",
                    minimum=0.001,
                    synonyms=("ceiling_m", "ceiling", "上限", "上限高度"),
                ),
                Field(
                    "valid_from",
                    "time",
                    default="-infinity",
                    synonyms=("valid_from", "生效时间"),
                ),
                Field(
                    "valid_to",
                    "time",
                    default="infinity",
                    synonyms=("valid_to", "失效时间"),
                ),
            ),
        ),
        Kind(
            "drones",
            "drone",
            "drone_id",
            "point",
            (
                Field("name", required=True, synonyms=_NAME.synonyms),
                Field("model", synonyms=("model", "型号")),
                Field(
                    "size_class",
                    required=True,
                    choices=DRONE_CLASSES,
                    synonyms=("size_class", "class", "机型分类"),
                ),
                Field("registration_no", synonyms=("registration_no", "登记号", "实名登记标志")),
                Field("operator", synonyms=("operator", "运营单位")),
                Field(
                    "network_relay",
                    "flag",
                    default="false",
                    synonyms=("network_relay", "relay", "网络中继"),
                ),
                Field(
                    "speed_m_s",
                    "number",
                    required=True,
                    minimum=0.001,
                    synonyms=("speed_m_s", "巡航速度"),
                ),
                Field(
                    "endurance_s",
                    "number",
                    required=True,
                    minimum=0.001,
                    synonyms=("endurance_s", "续航时间"),
                ),
                Field("max_wind_m_s", "number", minimum=0, synonyms=("max_wind_m_s", "抗风能力")),
                *(
                    Field(name, "number", minimum=0.001, synonyms=(name,))
                    for name in ("sensor_width_mm", "sensor_height_mm", "focal_mm")
                ),
                *(
                    Field(name, "integer", minimum=1, synonyms=(name,))
                    for name in ("image_width_px", "image_height_px")
                ),
            ),
        ),
    )
}


def kind_named(name: str) -> Kind:
    """Return the kind called `name`.

    Raises
    ------
    MappingError
        If there is none, with the list of those there are.
    """
    if name not in KINDS:
        raise MappingError(f"there is no kind {name!r}; kinds are {', '.join(KINDS)}")
    return KINDS[name]
