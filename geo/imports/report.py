"""What came of an import, in figures and words."""

from __future__ import annotations

from dataclasses import dataclass, field

from geo.imports.problems import REASONS


@dataclass(frozen=True)
class ImportReport:
    """The outcome of one run.

    Attributes
    ----------
    read
        Rows of the file. ``read = new + changed + same + left_out + sum(quarantined)``.
    no_grid
        Incidents taken in that lie in no grid of their day.
    """

    run_id: int
    kind: str
    source: str
    file: str
    jurisdiction: str
    read: int
    new: int
    changed: int
    same: int
    left_out: int
    no_grid: int
    quarantined: dict[str, int] = field(default_factory=dict)
    resumed_at: int = 0
    seconds: float = 0.0

    def lines(self) -> list[str]:
        """Say it in English and Chinese, one figure a line."""
        bad = sum(self.quarantined.values())
        out = [
            f"run {self.run_id}: {self.kind} of {self.source!r} from {self.file} "
            f"into {self.jurisdiction} ({self.seconds:.1f} s)",
            f"  read 读取            {self.read:>10,}",
            f"  new 新增             {self.new:>10,}",
            f"  changed 变更         {self.changed:>10,}",
            f"  same 未变            {self.same:>10,}",
        ]
        if self.left_out:
            out.append(f"  left out 不属本辖区  {self.left_out:>10,}")
        out.append(f"  quarantined 隔离     {bad:>10,}")
        for reason, number in sorted(self.quarantined.items()):
            zh, en = REASONS[reason]
            out.append(f"      {reason} {zh}  {number:,}  ({en})")
        if self.kind == "incidents":
            out.append(f"  in no grid 无网格    {self.no_grid:>10,}")
        if self.resumed_at:
            out.append(f"  resumed after row {self.resumed_at:,} of an interrupted run 断点续传")
        if bad:
            out.append(
                f"  see them: gridbeat import quarantine export --run {self.run_id} bad_rows.csv"
            )
        return out
