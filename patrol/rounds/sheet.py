"""The round sheet of a desk: which cameras, when, and what to look for, for print."""

from __future__ import annotations

from html import escape
from typing import Literal

import pandas as pd

_TEXTS = {
    "title": ("视频巡查轮巡表", "Camera round"),
    "time": ("时间", "Time"),
    "watcher": ("巡查员", "Watcher"),
    "camera": ("摄像机", "Camera"),
    "look_for": ("重点查看", "Look for"),
    "found": ("发现（时间、类别、地点）", "Found (time, class, place)"),
    "rule": (
        "按所见范围内的上报频率与距上次查看的时间排序；只记录事件，不记录个人身份，不截取人像。",
        "Ordered by reports in view and by time since the last look. Note events, never who a "
        "person is; take no pictures of people.",
    ),
    "simulated": ("模拟数据", "SIMULATED"),
}
_STYLE = (
    "body{font:12px/1.4 system-ui,'Noto Sans CJK SC',sans-serif;margin:1.2cm}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #888;padding:3px 6px;"
    "text-align:left;vertical-align:top}th{background:#eee}td.found{width:32%}"
    "h2{break-before:page}h2:first-of-type{break-before:auto}tr{break-inside:avoid}"
)


def round_html(
    looks: pd.DataFrame, *, name_zh: str, name_en: str, simulated: bool,
    lang: Literal["zh", "en", "both"] = "both",
) -> str:  # fmt: skip
    """Return one page a watcher, to print.

    Parameters
    ----------
    looks
        ``due_at`` (local), ``watcher``, ``camera_name``, ``look_for``; several looks of one slot
        stand in one row.
    """
    heading = f"{_say('title', lang)} · {name_zh} {name_en}"
    mark = f" · {_say('simulated', 'both')}" if simulated else ""
    parts = [
        "<!doctype html>", f'<html lang="{"en" if lang == "en" else "zh-CN"}">',
        f'<meta charset="utf-8"><title>{escape(heading)}</title><style>{_STYLE}</style>',
    ]  # fmt: skip
    for watcher, own in looks.groupby("watcher"):
        day = own["due_at"].iloc[0].strftime("%Y-%m-%d")
        parts.append(
            f"<h2>{escape(heading + mark)} · {day} · {_say('watcher', lang)} {watcher}</h2>"
            f"<p>{escape(_say('rule', lang))}</p>"
        )
        parts.append(_table(own, lang))
    return "\n".join([*parts, "</html>"])


def _table(looks: pd.DataFrame, lang: str) -> str:
    heads = "".join(
        f"<th>{escape(_say(key, lang))}</th>" for key in ("time", "camera", "look_for", "found")
    )
    rows = []
    for due, slot in looks.groupby("due_at"):
        for at, (camera, seek) in enumerate(
            zip(slot["camera_name"], slot["look_for"], strict=True)
        ):
            when = f'<td rowspan="{len(slot)}">{due:%H:%M}</td>' if at == 0 else ""
            rows.append(
                f"<tr>{when}<td>{escape(str(camera))}</td><td>{escape(str(seek))}</td>"
                '<td class="found"></td></tr>'
            )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _say(key: str, lang: str) -> str:
    zh, en = _TEXTS[key]
    return f"{zh} {en}" if lang == "both" else zh if lang == "zh" else en
