"""`python -m benchmarks [--quick] [--only PART] [--output FILE]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import uvloop

from benchmarks import (
    answers,
    blocked,
    counting,
    live_sessions,
    long_sessions,
    memory,
    profile,
    replay,
    retrieval,
    slack,
    startup,
    through_http,
    without_http,
)
from benchmarks.errors import BenchmarkError
from benchmarks.lab import Lab, open_lab
from benchmarks.report import Report, Table, Verdict
from storage.embedded.errors import EmbeddedError

Result = tuple[Sequence[Table], Sequence[Verdict]]
OUTPUT = Path("var/bench/results.json")


def parts(quick: bool) -> dict[str, Callable[[Lab], Awaitable[Result]]]:
    """Every part by its name, in the order in which they run."""
    clients = [1, 8] if quick else [1, 8, 32, 64]
    rounds, seconds = (1, 1.0) if quick else (3, 2.0)

    async def alone(tables: Awaitable[list[Table]]) -> Result:
        return await tables, ()

    return {
        "http": lambda lab: through_http.measure(lab, clients=clients, rounds=rounds, seconds=seconds),
        "inside": lambda lab: alone(
            without_http.measure(lab, clients=clients, rounds=rounds, seconds=seconds)
        ),
        "blocked": lambda lab: blocked.measure(lab, rounds=1 if quick else 6, seconds=seconds * 2.5),
        "commits": lambda lab: counting.measure(lab, turns=100 if quick else 500),
        "length": lambda lab: long_sessions.measure(lab, rounds=3 if quick else 15),
        "replay": lambda _: replay.measure(rounds=5 if quick else 50),
        "live_sessions": lambda lab: alone(
            live_sessions.measure(
                lab, sessions=1_000 if quick else 10_000, rounds=rounds * 4, seconds=seconds
            )
        ),
        "memory": lambda lab: memory.measure(lab, sessions=1_000 if quick else 10_000, seconds=seconds * 2),
        "startup": lambda lab: startup.measure(lab, again=1 if quick else 3),
        "retrieval": lambda lab: retrieval.measure(
            lab,
            sizes=[100, 1_000] if quick else [100, 1_000, 10_000, 50_000],
            others=10 if quick else 500,
            questions=20 if quick else 50,
        ),
        "answers": lambda lab: answers.measure(lab, answers=20 if quick else 100),
        "slack": lambda lab: slack.measure(
            lab, rounds=rounds, seconds=seconds, rates={50: 3.0, 200: 1.0} if quick else {50: 20.0, 200: 5.0}
        ),
        "profile": lambda lab: alone(profile.measure(lab, seconds=seconds * 2)),
    }


async def run(*, quick: bool, only: str | None, output: Path) -> None:
    report = Report()
    async with open_lab() as lab:
        for name, measure in parts(quick).items():
            if only in (None, name):
                report.add(*await measure(lab))
    report.close(output)
    print(f"Written to {output}.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="less of everything: do the numbers come at all?"
    )
    parser.add_argument("--only", choices=parts(quick=True), help="one part")
    parser.add_argument("--output", type=Path, default=OUTPUT, help=f"the JSON file (default: {OUTPUT})")
    asked = parser.parse_args()
    try:
        uvloop.run(run(quick=asked.quick, only=asked.only, output=asked.output))
    except (BenchmarkError, EmbeddedError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
