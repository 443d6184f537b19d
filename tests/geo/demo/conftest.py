"""The simulated district, made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from geo.demo.district import District, make_district
from geo.demo.write import write_district


@pytest.fixture(scope="session")
def district() -> District:
    return make_district()


@pytest.fixture(scope="session")
def handed_over(
    district: District, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("district")
    return folder, write_district(district, folder)
