"""A file that a command writes: whole or not at all."""

from __future__ import annotations

from pathlib import Path

from geo.errors import InputError


def write_whole(path: Path, text: str) -> Path:
    """Write a text in UTF-8 beside the path, put it in its place, and return the path.

    Raises
    ------
    InputError
        There is a folder of that name.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder: name a file in it")
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.part")
    half.write_text(text, encoding="utf-8")
    return half.replace(path)
