"""The notebooks run from top to bottom, find what was planted, and take a real city's files."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from geo.crs.systems import unproject

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))
FIRST_LOOK, HOTSPOTS = "01_first_look.ipynb", "02_hotspots_and_trends.ipynb"
FORECAST = "03_forecast_and_backtest.ipynb"
BLIND_SPOTS = "05_camera_blind_spots.ipynb"
BIAS = "04_bias_and_fairness.ipynb"

# Warnings are errors in the kernel too, but for one of openpyxl's: a workbook read to its end is
# closed only when it is collected. In the end ipykernel gets its own rules back to shut down by.
STRICT = """
import warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", "unclosed file .*xlsx", ResourceWarning)
"""
LOOSE = "warnings.simplefilter('default')"


def read(name: str) -> Any:
    return nbformat.read(FOLDER / name, as_version=4)


def execute(name: str, folder: Path, *, facts: str, parameters: str = "") -> tuple[Any, Any]:
    """Run a notebook with this Python, and return it and the value of the expression `facts`.

    `parameters` is code that runs after the notebook's own cell of parameters. The kernel talks
    over sockets in `folder`.
    """
    book = read(name)
    at = next(n for n, cell in enumerate(book.cells) if is_parameters(cell))
    cell = nbformat.v4.new_code_cell
    book.cells.insert(at + 1, cell(parameters))
    book.cells.insert(0, cell(STRICT))
    book.cells += [
        cell(f"import json\nprint(json.dumps({facts}, default=lambda value: value.item()))"),
        cell(LOOSE),
    ]
    manager = AsyncKernelManager(
        transport="ipc",
        connection_file=str(folder / "kernel.json"),
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),  # this Python, no other
    )
    client = NotebookClient(
        book, km=manager, timeout=400, resources={"metadata": {"path": str(FOLDER)}}
    )
    env = os.environ | {"IPYTHONDIR": str(folder / "ipython")}
    asyncio.run(client.async_execute(cleanup_kc=True, env=env))
    said = [out for c in book.cells if c.cell_type == "code" for out in c.outputs]
    assert [out.text for out in said if out.get("name") == "stderr"] == []
    return book, json.loads(book.cells[-2].outputs[0].text)


def is_parameters(cell: Any) -> bool:
    return "parameters" in cell.metadata.get("tags", [])


def pictures(book: Any) -> int:
    data = [out.get("data", {}) for c in book.cells if c.cell_type == "code" for out in c.outputs]
    return sum("image/png" in kinds for kinds in data)


def maps(book: Any) -> list[str]:
    data = [out.get("data", {}) for c in book.cells if c.cell_type == "code" for out in c.outputs]
    return [kinds["text/html"] for kinds in data if "srcdoc" in kinds.get("text/html", "")]


def test_there_are_notebooks() -> None:
    assert {FIRST_LOOK, HOTSPOTS, FORECAST, BIAS, BLIND_SPOTS} == set(NOTEBOOKS)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_committed_without_outputs(name: str) -> None:
    book = read(name)
    nbformat.validate(book)
    for cell in book.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
        assert set(cell.metadata) <= {"tags"}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_begins_with_a_chinese_summary_and_has_one_cell_of_parameters(name: str) -> None:
    cells = read(name).cells
    assert cells[0].cell_type == "markdown"
    assert "中文摘要" in cells[0].source
    assert len(re.findall(r"[\u4e00-\u9fff]", cells[0].source)) > 80
    assert sum(map(is_parameters, cells)) == 1
    assert all(cell.source.strip() for cell in cells)


def test_first_look_finds_each_spoilt_row_and_what_patrols_do_not_see(
    short_directory: Path,
) -> None:
    book, facts = execute(
        FIRST_LOOK,
        short_directory,
        facts="""{
            "verdicts": sorted(verdict.unique()), "rows": len(both),
            "files": files[["read", "taken in", "held back"]].sum().tolist(),
            "patrol": areas["patrol_by_hours"].iloc[0],
            "reported": areas["reported_by_hours"].iloc[0],
            "unseen": hidden.nsmallest(1, "patrols per report")["planted hot spot"].tolist(),
        }""",
    )
    assert facts["verdicts"] == ["spoilt and held back"]
    read_rows, taken_in, held_back = facts["files"]
    assert facts["rows"] == held_back > 200
    assert read_rows > taken_in > 40_000
    assert facts["patrol"] > 0.7
    assert abs(facts["reported"]) < 0.3
    assert facts["unseen"] == ["Burning on the fringe, hardly patrolled"]
    assert pictures(book) == 7
    (page,) = maps(book)
    assert "SIMULATED" in page


def test_hotspots_and_trends_recover_what_was_planted(short_directory: Path) -> None:
    book, facts = execute(
        HOTSPOTS,
        short_directory,
        facts="""{
            "found": dict(zip(recovered["planted"], recovered["found"].tolist())),
            "distance": recovered["distance_m"].max(), "q": recovered["q"].max(),
            "chance": int(chance.sum()), "called": len(hot),
            "by_size": by_size["found"].tolist(), "spread": by_size["hot area (ha)"].tolist(),
            "hiding": hiding.set_index(["planted", "cell_m"]).loc["HS08", ["z", "q"]].T.to_dict(),
            "toy": toy_found,
            "trends": dict(zip(trend_truth["planted"], trend_truth["found"])),
            "false_trends": int((changing["planted"] == "none").sum()),
            "seasons": [codes[i] for i in range(len(codes)) if plain.q[i] <= 0.05],
        }""",
    )
    assert facts["found"] == {f"HS{n:02d}": True for n in range(1, 10)}
    assert facts["distance"] <= 150
    assert facts["q"] < 1e-6
    assert facts["chance"] <= 0.05 * facts["called"]
    assert facts["by_size"] == [9, 9, 9, 9]
    assert facts["spread"] == sorted(facts["spread"])
    assert facts["hiding"]["100"]["q"] < 1e-6
    assert facts["hiding"]["300"]["q"] > 0.05
    assert facts["hiding"]["300"]["z"] > 5
    one, several = facts["toy"]["45 in one cell"], facts["toy"]["45 over nine cells"]
    assert (one["cells hot, exact"], one["cells hot, normal table"]) == (0, 9)
    assert one["q, exact permutation"] > 0.05 > several["q, exact permutation"]
    assert several["cells hot, exact"] >= 9
    assert facts["trends"] == {"HS07": "rising", "HS08": "falling", "HS09": "no"}
    assert facts["false_trends"] == 0
    assert {"0302", "0504", "0407", "2601"} <= set(facts["seasons"])  # two changes, two seasons
    assert pictures(book) == 8
    (page,) = maps(book)
    assert "Construction dust" in page


def test_a_forecast_beats_counting_follows_the_planted_growth_and_nears_the_ceiling(
    short_directory: Path,
) -> None:
    book, facts = execute(
        FORECAST,
        short_directory,
        facts="""{
            "chosen": {task: choice.method for task, choice in chosen.items()},
            "blend": part["blend"].tolist(), "counting": part[COUNTING].tolist(),
            "lag": lag.to_dict(), "covered": covered, "focus": focus,
            "gain": gains.set_index("method")["low"].loc["blend"].tolist(),
            "expected": expected.sum(), "came": series[:, -1].sum(),
        }""",
    )
    assert facts["focus"] == "0504"
    # Two methods are level here; which one is ahead is chance, but counting is neither.
    assert set(facts["chosen"].values()) <= {"blend", "log-linear"}
    assert min(facts["gain"]) > 0
    # Nothing beats knowing the truth, but for chance; all methods stay below it here.
    assert all(0.85 < part <= 1.0 for part in facts["blend"])
    assert all(b > c for b, c in zip(facts["blend"], facts["counting"], strict=True))
    assert facts["lag"]["blend"] < 0.85 * facts["lag"]["all-history counts"]
    assert facts["covered"]["all cells"] == pytest.approx(0.9, abs=0.03)
    assert facts["covered"]["busy cells"] == pytest.approx(0.9, abs=0.04)
    assert facts["expected"] == pytest.approx(facts["came"], rel=0.3)
    assert pictures(book) == 5
    (page,) = maps(book)
    method = facts["chosen"]["all reports"]
    assert re.search(rf"{method} (beats|is level with) all-history counts", page)


def test_correction_mends_finds_a_raw_loop_runs_away_and_unknown_is_not_zero(
    short_directory: Path,
) -> None:
    book, facts = execute(
        BIAS,
        short_directory,
        facts="""{
            "error": error.to_dict(), "raw": at_last["finds as they come"].tolist(),
            "mended": at_last["finds divided by effort"].tolist(),
            "lack": lack[0.5].min(), "lacks_more": bool((lack[0.25] >= lack[0.75]).all()),
            "unknown": int(blind.unknown.sum()), "drawn": int(drawn["rate"].isna().sum()),
            "hours": table["hours"].sum(), "communities": len(table),
        }""",
    )
    error = facts["error"]
    assert error["reports alone"] < 0.06
    assert error["finds alone, corrected"] < error["finds alone, as they come"] / 1.5
    assert error["reports + corrected finds"] < error["reports + finds as they come"]
    assert min(abs(end - 0.5) for end in facts["raw"]) > 0.4
    assert max(abs(end - 0.5) for end in facts["mended"]) < 0.05
    assert facts["lack"] > 0
    assert facts["lacks_more"]
    assert facts["unknown"] == facts["drawn"] == 7
    assert facts["hours"] == pytest.approx(120.0)
    assert facts["communities"] == 24
    assert pictures(book) == 4


def test_blind_spots_hold_planted_hot_spots_and_new_cameras_beat_chance(
    short_directory: Path,
) -> None:
    book, facts = execute(
        BLIND_SPOTS,
        short_directory,
        facts="""{
            "ranks": truth.set_index("planted")["best rank of a blind cell"].dropna().to_dict(),
            "first": spots["main_class"].iloc[0], "seen": whole["incident_seen"],
            "chosen": choice.covered, "bound": choice.bound, "chance": np.mean(chance),
            "finds": finds, "turns": plain, "lost": lost,
        }""",
    )
    assert facts["first"] == "Construction dust"
    assert len(facts["ranks"]) >= 6
    assert min(facts["ranks"].values()) == 1
    assert 0 < facts["seen"] < 0.1
    assert facts["chosen"] >= 0.99 * facts["bound"]
    assert facts["chosen"] > 5 * facts["chance"]
    assert facts["finds"] > 2 * facts["turns"]
    assert 0.02 < facts["lost"] < 0.4
    assert pictures(book) == 3


@pytest.fixture
def chicago(tmp_path: Path, shared_data: Path) -> str:
    """Give the parameter that switches a notebook to a police district of Chicago."""
    city: dict[str, Any] = {
        "boundary": "police_districts.geojson",
        "areas": "police_beats.geojson",
        "incidents": "incidents_district014_2013_2014.csv.gz",
    }
    for name in city.values():
        shutil.copy(shared_data / "chicago" / name, tmp_path)
        shutil.copy(ROOT / "docs/chicago" / f"{name.split('.')[0]}.toml", tmp_path)
    paths = {key: str(tmp_path / name) for key, name in city.items()}
    return f"CITY = {paths | {'incidents': [paths['incidents']]}!r}"


@pytest.mark.data
def test_first_look_opens_a_real_city(short_directory: Path, chicago: str) -> None:
    _, facts = execute(
        FIRST_LOOK,
        short_directory,
        parameters=chicago,
        facts="""[len(incidents), len(subject.areas), held_back.to_numpy().sum().item()]""",
    )
    # As many as `gridbeat import` takes in and holds back, see docs/chicago.md.
    assert facts == [20_195, 12, 65]


@pytest.mark.data
def test_hotspots_of_a_real_city_lie_where_they_are_known_to_be(
    short_directory: Path, chicago: str
) -> None:
    _, facts = execute(
        HOTSPOTS,
        short_directory,
        parameters=chicago + "\nWEEKS = 52",
        facts="""(lambda top: [top["category"], x[top["row"]], y[top["row"]], subject.srid])(
            hot.loc[hot["score"].idxmax()]
        )""",
    )
    category, x, y, srid = facts
    lon, lat = unproject(np.array([x]), np.array([y]), srid=srid)
    assert category == "THEFT"
    # Wicker Park, where Milwaukee, Damen and North Avenue meet.
    assert (lon[0], lat[0]) == (pytest.approx(-87.677, abs=0.004), pytest.approx(41.910, abs=0.004))


@pytest.mark.data
def test_a_forecast_of_a_real_city_is_judged_like_any_other(
    short_directory: Path, chicago: str
) -> None:
    _, facts = execute(
        FORECAST,
        short_directory,
        parameters=chicago + "\nN_ORIGINS = 8",
        facts="""[len(steps), chosen["all reports"].method, covered["all cells"], simulated]""",
    )
    assert facts[0] == 103
    assert facts[2] == pytest.approx(0.9, abs=0.03)
    assert facts[3] is False


@pytest.mark.data
def test_a_real_city_without_patrol_hours_is_unknown_throughout(
    short_directory: Path, chicago: str
) -> None:
    _, facts = execute(
        BIAS,
        short_directory,
        parameters=chicago,
        facts="""[int(blind.unknown.sum()), len(areas), bool(found.sum() > 0)]""",
    )
    assert facts == [12, 12, True]
