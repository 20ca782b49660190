"""What the loads of Slack's events came to, in tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.report import Cell, Table, Verdict, percentile

PARLEY, BOLT, MUTE = "Parley", "Bolt, echo", "Bolt, mute"
COLUMNS = (
    *("load", "app", "events/s", "of Bolt", "p50 ms", "of Bolt", "p99 ms", "of Bolt", "max ms"),
    *("server CPU", "Postgres CPU"),
)
# Slack repeats what is not acknowledged within three seconds.
ACKNOWLEDGED_WITHIN_MS = 2_500.0
PROMISED_AT = "50 a second"


@dataclass(slots=True)
class Tally:
    """What the rounds of one load on one app came to; milliseconds of CPU are for each event."""

    rates: list[float] = field(default_factory=list)
    rounds: list[Sequence[float]] = field(default_factory=list)
    server_ms: list[float] = field(default_factory=list)
    postgres_ms: list[float] = field(default_factory=list)

    def add(self, ms: Sequence[float], seconds: float, server_s: float, postgres_s: float) -> None:
        self.rates.append(len(ms) / seconds)
        self.rounds.append(ms)
        self.server_ms.append(server_s / len(ms) * 1000)
        self.postgres_ms.append(postgres_s / len(ms) * 1000)

    def percentiles(self, percent: float) -> list[float]:
        """Each round's."""
        return [percentile(ms, percent) for ms in self.rounds]

    @property
    def slowest(self) -> float:
        return max(max(ms) for ms in self.rounds)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Events that an app acknowledged, those that are rows, and what it said; None where it does not echo."""

    acknowledged: int
    rows: int
    echoed: int | None


def loads_table(tallies: Mapping[tuple[str, str], Tally], rounds: int) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for (load, name), tally in tallies.items():
        bolt = tallies[load, BOLT]
        figures: list[Cell] = [median(tally.rates), _of(tally.rates, bolt.rates)]
        for percent in (50, 99):
            ours, theirs = tally.percentiles(percent), bolt.percentiles(percent)
            figures += [median(ours), _of(ours, theirs)]
        postgres = median(tally.postgres_ms) if name == PARLEY else None
        rows.append((load, name, *figures, tally.slowest, median(tally.server_ms), postgres))
    return Table(
        "Slack's events",
        COLUMNS,
        rows,
        f"CPU in ms an event. Medians of {rounds} rounds, shares those of the rounds' own; max is of all of them.",
    )


def outcomes_table(outcomes: Mapping[str, Outcome], repeated: int, hangs_s: float) -> Table:
    return Table(
        "What became of the events",
        ("app", "acknowledged", "rows", "echoed"),
        [(name, each.acknowledged, each.rows, each.echoed) for name, each in outcomes.items()],
        f"The first {repeated} of Parley's were posted twice. Its model hung for {hangs_s:g} s at each request.",
    )


def verdicts(tallies: Mapping[tuple[str, str], Tally]) -> list[Verdict]:
    """What is promised of 50 events a second, if that was measured."""
    if (PROMISED_AT, PARLEY) not in tallies:
        return []
    slowest = tallies[PROMISED_AT, PARLEY].slowest
    what = f"Slack, model hanging, {PROMISED_AT}: slowest acknowledgement"
    return [Verdict(what, f"{slowest:.0f} ms", "< 2.5 s", slowest < ACKNOWLEDGED_WITHIN_MS)]


def _of(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """The median of the rounds' own ratios: what else the machine does disturbs both sides of a round alike."""
    ratio = median(mine / other for mine, other in zip(ours, theirs, strict=True))
    return f"{ratio:.2f} ×" if ratio < 10 else f"{ratio:.0f} ×"
