"""A file ten times as large does not need more memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.geo.imports.conftest import INCIDENTS, SOUTH, WEST, Desk

pytestmark = pytest.mark.db
CODE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from geo.database.connect import connect, locate
from geo.imports.mapping import make_mapping
from geo.imports.run import import_file
from geo.settings import DatabaseSettings
database = locate(DatabaseSettings(database_url=sys.argv[1]))
def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
def take(file):
    return import_file(lambda: connect(database), Path(file), make_mapping({mapping!r}),
                       now=datetime(2026, 1, 1, tzinfo=UTC))
take(sys.argv[2])
small = peak()
report = take(sys.argv[3])
print(report.read, report.quarantined, small, peak())
"""


def write(path: Path, n_rows: int, *, first: int, note: str) -> Path:
    """Write rows with a note that is read and not kept, which spares the database."""
    rng = np.random.default_rng(first)
    with path.open("w") as stream:
        stream.write("id,time,class,lon,lat,note\n")
        for start in range(first, first + n_rows, 50_000):
            numbers = range(start, min(start + 50_000, first + n_rows))
            lon = WEST + rng.uniform(0, 0.04, len(numbers))
            lat = SOUTH + rng.uniform(0, 0.04, len(numbers))
            stream.writelines(
                f"M{i},2024-01-{i % 28 + 1:02d} 10:{i % 60:02d},THEFT,{x:.6f},{y:.6f},{note}\n"
                for i, x, y in zip(numbers, lon, lat, strict=True)
            )
    return path


@pytest.mark.timeout(300)
def test_peak_memory_does_not_follow_the_size_of_the_file(desk: Desk) -> None:
    note = "x" * 400
    small = write(desk.folder / "small.csv", 70_000, first=0, note=note)
    large = write(desk.folder / "large.csv", 700_000, first=100_000, note=note)
    assert small.stat().st_size > 30e6
    assert large.stat().st_size > 300e6
    mapping = {**INCIDENTS, "attributes": []}
    url = desk.database.app_url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", CODE.replace("{mapping!r}", repr(mapping)), url, str(small), str(large)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *told, before, after = done.stdout.split()
    assert told == ["700000", "{}"]
    print(f"peak MiB: {before} then {after}")
    assert float(after) < 1.5 * float(before)
