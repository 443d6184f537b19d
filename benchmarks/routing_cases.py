"""Instances of team orienteering: from files, and the published lengths of points at hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from patrol.routes.problem import RoutingProblem, Stop, Unit

# One instance of each of Chao's sets 4 to 7 stands in a file; the others of a set are the same
# points with other lengths. Length of all paths together: first, step and letters of the series.
POINTS = {"4": "p4.2.e", "5": "p5.2.l", "6": "p6.2.j", "7": "p7.2.f"}
SERIES = {"4": (50, 10), "5": (5, 5), "6": (15, 5), "7": (20, 20)}
# Best known by set, paths and first letter, remembered from the published tables and not
# verified; `top/chao/best_known.csv` goes before them. A value that is exceeded is wrong.
REMEMBERED = {
    "4.2.a": "206 341 452 531 618 687 757 835 918 965 1022 1074 1132 1174 1218 1242 1268 1292 "
             "1304 1306",
    "4.3.c": "193 335 468 579 653 729 809 861 919 979 1063 1121 1172 1222 1253 1273 1295 1305",
    "4.4.e": "183 324 461 571 657 732 821 880 919 977 1061 1124 1161 1216 1260 1285",
    "5.2.d": "80 180 240 320 410 480 580 670 800 860 925 1020 1150 1195 1260 1340 1400 1460 1505 "
             "1565 1610 1645 1680",
    "5.3.f": "110 185 260 335 470 495 595 650 755 870 990 1070 1125 1190 1260 1345 1425 1485 1555 "
             "1595 1635",
    "5.4.k": "340 430 555 620 690 765 860 960 1030 1160 1300 1320 1390 1450 1520 1620",
    "6.2.d": "192 360 588 660 780 888 948 1032 1116 1188 1260",
    "6.3.g": "282 444 642 828 894 1002 1080 1170",
    "6.4.j": "366 528 696 912 1068",
    "7.2.a": "30 64 101 190 290 387 459 521 580 646 705 767 827 888 945 1002 1044 1094 1136 1179",
    "7.3.b": "46 79 117 175 247 344 425 487 564 633 684 762 820 874 929 987 1026 1081 1120",
    "7.4.d": "79 123 164 217 285 366 462 520 590 646 730 781 846 909 970 1022 1077",
    "1.2.b": "15 20 30 45 80 90 110 135 155 175 195 215 235 240 250 265 280",
    "1.3.c": "15 15 30 40 50 70 105 115 135 155 175 190 205 220 230 250",
    "1.4.d": "15 15 25 35 45 60 75 100 120 130 155 165 175 190 210",
    "2.2.a": "90 120 140 160 190 200 200 230 230 260 275",
    "2.3.a": "70 70 105 105 120 120 145 165 200 200 200",
    "2.4.a": "10 70 70 70 70 105 105 120 120 120 180",
    "3.2.a": "90 150 180 220 260 300 360 410 460 510 550 590 620 660 690 720 760 790 800 800",
    "3.3.a": "30 90 120 170 200 230 270 300 330 380 440 480 520 570 590 640 680 710 720 760",
    "3.4.a": "20 30 90 100 140 190 220 240 270 310 350 380 390 440 500 560 560 600 670 670",
}  # fmt: skip
# Tsiligirides' three problems by budget, remembered from Chao, Golden and Wasil (1996).
TSILIGIRIDES = {
    "1": "05 10 10 15 15 45 20 65 25 90 30 110 35 135 40 155 46 175 50 190 55 205 60 225 65 240 "
         "70 260 73 265 75 270 80 280 85 285",
    "2": "15 120 20 200 23 210 25 230 27 230 30 265 32 300 35 320 38 360 40 395 45 450",
    "3": "015 170 020 200 025 260 030 320 035 390 040 430 045 470 050 520 055 550 060 580 065 610 "
         "070 640 075 670 080 710 085 740 090 770 095 790 100 800 105 800 110 800",
}  # fmt: skip
# With windows: Righini and Salani, and Montemanni and Gambardella, with distances cut to one decimal.
# rc201@2 was remembered as 1384 and is what plain PyVRP found here, added up again.
WINDOWED_REMEMBERED = {
    "c102@1": 360.0, "r102@1": 286.0, "rc105@1": 244.0, "r105@1": 247.0, "c201@1": 870.0,
    "c102@2": 660.0, "r102@2": 508.0, "rc105@2": 480.0, "r105@2": 453.0, "c201@2": 1460.0,
    "rc201@1": 795.0, "rc201@2": 1386.0, "c102@3": 920.0, "r102@3": 694.0, "rc105@3": 682.0,
    "r105@3": 620.0, "c201@3": 1810.0, "r205@3": 1458.0, "rc201@3": 1698.0, "c102@4": 1150.0,
    "r102@4": 843.0, "rc105@4": 875.0, "r105@4": 778.0, "c201@4": 1810.0, "r205@4": 1458.0,
    "rc201@4": 1724.0,
}  # fmt: skip


def remembered() -> dict[str, float]:
    """Return the best known values that are remembered, by name of the instance."""
    found = dict(WINDOWED_REMEMBERED)
    for first, values in REMEMBERED.items():
        points, paths, letter = first.split(".")
        for n, value in enumerate(values.split()):
            found[f"p{points}.{paths}.{chr(ord(letter) + n)}"] = float(value)
    for number, values in TSILIGIRIDES.items():
        words = values.split()
        for budget, value in zip(words[::2], words[1::2], strict=True):
            found[f"tsiligirides_problem_{number}_budget_{budget}"] = float(value)
    return found


def best_known(data: Path) -> dict[str, float]:
    """Return the best known values: those of the file, and the remembered ones for the rest."""
    read = pd.read_csv(data / "top/chao/best_known.csv").set_index("instance")["best_known"]
    return {**remembered(), **read.to_dict()}


def published() -> list[str]:
    """List the published instances of sets 4 to 7 of which a best value is remembered."""
    return [name for name in remembered() if name[0] == "p" and name[1] in SERIES]


def problem_of(data: Path, name: str) -> RoutingProblem:
    """Read an instance: `p4.2.e`, `c102@2` (Solomon, 2 paths) or `4@2@97.3` (set, paths, length)."""
    if name.count("@") == 1:
        return read_solomon(data, *name.split("@"))
    if name.count("@") == 2:
        points, paths, length = name.split("@")
        table, _, _ = read_chao(data, POINTS[points])
        return orienteering(table, int(paths), float(length))
    if name.startswith("tsiligirides"):
        lines = (data / "routing/op_tsiligirides" / f"{name}.txt").read_text().splitlines()
        table = np.array([line.split() for line in lines[1:] if line.strip()], dtype=float)
        table = table[np.r_[0, 2 : len(table), 1]]
        return orienteering(table, 1, float(lines[0].split()[0]))
    return orienteering(*read_chao(data, name))


def chao_file(data: Path, name: str) -> Path | None:
    """Return the file of one of Chao's instances; None where only its points are at hand."""
    folders = (data / "top/chao", data / "routing/top_chao")
    return next((f / f"{name}.txt" for f in folders if (f / f"{name}.txt").exists()), None)


def read_chao(data: Path, name: str) -> tuple[np.ndarray, int, float]:
    """Return points, number of paths and length; of the series where there is no file."""
    if path := chao_file(data, name):
        lines = path.read_text().splitlines()
        table = np.array([line.split() for line in lines[3:] if line.strip()], dtype=float)
        return table, int(lines[1].split()[1]), float(lines[2].split()[1])
    points, paths, letter = name.removeprefix("p").split(".")
    first, step = SERIES[points]
    whole = first + step * (ord(letter) - ord("a"))
    table, _, _ = read_chao(data, POINTS[points])
    return (
        table,
        int(paths),
        round(whole / int(paths), 1),
    )  # halves to even, as in the files of set 1


def orienteering(table: np.ndarray, paths: int, length: float) -> RoutingProblem:
    """Return a problem without windows; points that no path can reach are left out."""
    order = np.r_[1 : len(table) - 1, 0, len(table) - 1]
    way = distances(table[order, :2])
    n = len(table) - 2
    kept = [v for v in range(n) if way[n, v] + way[v, n + 1] <= length and table[v + 1, 2] > 0]
    stops = tuple(Stop(str(v), float(table[v + 1, 2])) for v in kept)
    units = tuple(Unit(f"path {k}", "foot", 0, 1, 0.0, length) for k in range(paths))
    rows = np.r_[kept, n, n + 1].astype(int)
    return RoutingProblem(stops, units, {"foot": way[np.ix_(rows, rows)]})


def read_solomon(data: Path, name: str, paths: str) -> RoutingProblem:
    """Return a problem with windows; what a customer asks for is its prize, loads count nothing.

    Distances are cut to one decimal, as where the best known values were published.
    """
    path = next(p for p in (data / "top/solomon" / f"{name}.txt",
                            data / "routing/vrptw_solomon" / f"{name}.txt") if p.exists())  # fmt: skip
    rows = [line.split() for line in path.read_text().splitlines()]
    table = np.array([row for row in rows if len(row) == 7 and row[0].isdigit()], dtype=float)
    table = table[np.r_[1 : len(table), 0]]
    stops = tuple(
        Stop(str(int(row[0])), float(row[3]), float(row[6]), float(row[4]), float(row[5]))
        for row in table[:-1]
    )
    end = float(table[-1, 5])
    units = tuple(Unit(f"path {k}", "foot", 0, 0, 0.0, end) for k in range(int(paths)))
    way = np.floor(distances(table[:, 1:3]) * 10 + 1e-9) / 10
    return RoutingProblem(stops, units, {"foot": way})


def distances(xy: np.ndarray) -> np.ndarray:
    """Return the straight distances between all points."""
    return np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))


def files_of(data: Path) -> Iterator[tuple[str, str]]:
    """Give family and name of every instance: files, the rest of sets 4 to 7, 1 to 4 paths."""
    for folder in ("top/chao", "routing/top_chao"):
        for path in sorted((data / folder).glob("p[1-3].*.txt")):
            yield f"Chao {path.stem[1]}", path.stem
    for name in published():
        yield f"Chao {name[1]}", name
    for path in sorted((data / "routing/op_tsiligirides").glob("t*.txt")):
        yield "Tsiligirides", path.stem
    for folder in ("top/solomon", "routing/vrptw_solomon"):
        for path in sorted((data / folder).glob("*.txt")):
            if ".sol" not in path.name:
                for paths in (1, 2, 3, 4):
                    yield "with windows", f"{path.stem}@{paths}"


def stratified(data: Path, sizes: dict[str, int], seed: int) -> list[str]:
    """Draw so many instances of each family at random; those that reach no point are left out."""
    rng = np.random.default_rng(seed)
    families: dict[str, list[str]] = {}
    for family, name in files_of(data):
        families.setdefault(family, []).append(name)
    drawn = []
    for family, size in sizes.items():
        names = [n for n in families[family] if problem_of(data, n).stops]
        drawn += rng.permutation(sorted(names))[:size].tolist()
    return drawn
