"""`gridbeat drones read` needs no database: it answers with findings and exit codes."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from typer.testing import CliRunner

from patrol.drones.export import flight_mission
from patrol.drones.formats.files import write_mission
from web.commands.drones import app

RUNNER = CliRunner()


def write_square(folder, suffix):
    points = np.array(
        [(121.05, 35.6, 60), (121.051, 35.601, 60), (121.052, 35.601, 60), (121.05, 35.6, 60)],
        dtype=np.float64,
    )
    mission = flight_mission(
        points, np.array([False, True, False]), name="a", speed_m_s=8.0, trigger_m=30.0
    )
    file = folder / f"a{suffix}"
    write_mission(mission, file, now=datetime(2026, 11, 23, tzinfo=UTC))
    return file


def test_a_sound_mission_is_described_and_exits_0(tmp_path):
    result = RUNNER.invoke(app, ["read", str(write_square(tmp_path, ".plan"))])
    assert result.exit_code == 0
    assert "a.plan: mission 任务, 6 items 指令, 3 places 航点, 1 fences 围栏" in result.output


def test_a_mission_with_errors_is_listed_and_exits_2(tmp_path):
    file = write_square(tmp_path, ".waypoints")
    file.write_text(file.read_text().replace("35.60100000", "95.60100000"))
    result = RUNNER.invoke(app, ["read", str(file)])
    assert result.exit_code == 2
    assert "error item 航点 2" in result.output
    assert "[off_earth]" in result.output
