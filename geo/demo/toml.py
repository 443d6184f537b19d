"""Write a mapping as TOML: plain values first, then one table per nested dict."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def write_toml(content: Mapping[str, Any]) -> str:
    """Return TOML text of strings, numbers, flags, lists of these, and nested mappings.

    Examples
    --------
    >>> print(write_toml({"kind": "units", "columns": {"name": "名称"}}), end="")
    kind = "units"
    <BLANKLINE>
    [columns]
    name = "名称"
    """
    return "\n".join(_lines(content, ())).lstrip("\n") + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    nested = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    lines = ["", f"[{'.'.join(_key(part) for part in path)}]"] if path and plain else []
    lines += [
        f"{_key(key)} = {json.dumps(value, ensure_ascii=False)}" for key, value in plain.items()
    ]
    for key, value in nested.items():
        lines += _lines(value, (*path, key))
    return lines


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)
