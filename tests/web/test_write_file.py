"""What a command writes is there whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from geo.errors import InputError
from web.write_file import write_whole


def test_a_file_replaces_the_one_before_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "grids.geojson"
    assert write_whole(path, "旧") == write_whole(path, "新") == path
    assert path.read_text("utf-8") == "新"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_is_no_file_to_write(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder: name a file in it"):
        write_whole(tmp_path, "{}")
