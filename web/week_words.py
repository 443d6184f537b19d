"""The week in words: its days, and its busiest hours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from analytics.profile_rows import BLOCK_H

DAYS = ("周一 Mon", "周二 Tue", "周三 Wed", "周四 Thu", "周五 Fri", "周六 Sat", "周日 Sun")


def busiest(row: Mapping[Any, Any]) -> str:
    """Say the busiest stretch of a week, and how much of all falls into it."""
    if row["peak_day"] is None or np.isnan(row["peak_day"]):
        return "-"
    first = int(row["peak_from_h"])
    return (
        f"{DAYS[int(row['peak_day'])]} {first:02d}-{(first + BLOCK_H) % 24:02d} h "
        f"({row['peak_share']:.0%})"
    )
