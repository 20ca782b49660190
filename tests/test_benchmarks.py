"""The benchmark's parts that need no server are run; those that do are run by `make bench`."""

from __future__ import annotations

from pathlib import Path

from benchmarks import replay
from benchmarks.__main__ import parts

GUIDE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


async def test_a_run_is_measured_at_every_place_of_a_record() -> None:
    [table], verdicts = await replay.measure(rounds=1, places=(1, 2, 12))
    assert [row[0] for row in table.rows] == ["1", "2", "12"]
    assert all(len(row) == len(replay.COLUMNS) for row in table.rows)
    assert table.rows[0][2] == "1.0 ×"
    sizes = [float(row[-1] or 0) for row in table.rows]
    assert sizes == sorted(sizes)
    assert verdicts == []


async def test_the_promise_about_fifty_answers_is_judged() -> None:
    _, [verdict] = await replay.measure(rounds=1, places=(1, 50))
    assert verdict.what == "a run at ask 50"


def test_every_part_is_named_in_the_guide() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert [name for name in parts(quick=True) if f"`{name}`" not in text] == []
