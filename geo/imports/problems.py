"""Which rows of a batch cannot be taken in, and why: the first problem of each row counts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

REASONS = {
    "broken_row": ("行列数不符", "the row has another number of columns than the header"),
    "undecodable_text": ("文字编码损坏", "the text cannot be decoded in the file's encoding"),
    "missing_value": ("缺少必填值", "a required value is missing"),
    "not_a_number": ("不是数字", "the value is not a number"),
    "not_a_time": ("时间无法识别", "the value is not a time in the named format"),
    "not_a_date": ("日期无法识别", "the value is not a date"),
    "not_a_flag": ("不是是/否", "the value is not a yes or a no"),
    "time_out_of_range": ("时间超出范围", "the time is before 1970 or in the future"),
    "ends_before_start": ("结束早于开始", "the end is before the start"),
    "reported_before_occurred": ("上报早于发生", "it was reported before it happened"),
    "out_of_range": ("数值超出范围", "the value is outside its range"),
    "unknown_value": ("取值不在列表中", "the value is not one of those allowed"),
    "unknown_category": ("未知类别", "the class is not in the category scheme"),
    "bad_code": ("编码格式错误", "the code has the wrong form"),
    "too_long": ("编号过长", "the reference is longer than 200 characters"),
    "no_position": ("没有位置", "there is no position, or 0,0 stands for none"),
    "position_out_of_range": ("坐标超出范围", "the coordinates are no longitude and latitude"),
    "address_unknown": ("地址查不到", "nothing known is like this address: add a point or a grid"),
    "address_unsure": (
        "地址不能确定到一处",
        "the address fits no one place well enough: add a point or a grid",
    ),
    "far_outside": ("远在辖区之外", "the position is far outside the jurisdiction"),
    "wrong_geometry": ("几何类型不符", "the geometry is of another type"),
    "invalid_geometry": ("几何无效", "the geometry is invalid"),
    "duplicate_ref": ("编号重复内容不同", "the same source_ref stands earlier with other content"),
    "unknown_area": ("未知网格", "no area has this code"),
    "code_taken": ("编码已被使用", "another area has this code; codes are never reused"),
}  # reason -> (Chinese, English)


@dataclass
class Problems:
    """The problems of `n_rows` rows."""

    n_rows: int
    found: npt.NDArray[np.bool_] = field(init=False)
    reason: npt.NDArray[np.object_] = field(init=False)
    field_name: npt.NDArray[np.object_] = field(init=False)
    value: npt.NDArray[np.object_] = field(init=False)

    def __post_init__(self) -> None:
        """Start with no problem."""
        self.found = np.zeros(self.n_rows, dtype=bool)
        self.reason = np.full(self.n_rows, None, dtype=object)
        self.field_name = np.full(self.n_rows, None, dtype=object)
        self.value = np.full(self.n_rows, None, dtype=object)

    @property
    def sound(self) -> npt.NDArray[np.bool_]:
        """Rows without a problem so far, shape ``(n_rows,)``."""
        return ~self.found

    def copy(self) -> Problems:
        """Return an independent copy."""
        other = Problems(self.n_rows)
        other.found = self.found.copy()
        other.reason = self.reason.copy()
        other.field_name = self.field_name.copy()
        other.value = self.value.copy()
        return other

    def add(
        self,
        rows: npt.NDArray[np.bool_],
        reason: str,
        field_name: str,
        values: pa.Array | npt.NDArray[np.object_] | None = None,
    ) -> None:
        """Note `reason` for those `rows` (a mask) that have no earlier problem."""
        if not rows.any():
            return
        hit = np.flatnonzero(rows & self.sound)
        self.found[hit] = True
        self.reason[hit] = reason
        self.field_name[hit] = field_name
        if isinstance(values, pa.Array | pa.ChunkedArray):
            self.value[hit] = np.array(values.take(pa.array(hit)).to_pylist(), dtype=object)
        elif values is not None:
            self.value[hit] = values[hit]
