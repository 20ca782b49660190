"""What a run of a flow costs by the length of its record: the engine alone, without database and network."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence

import orjson

from benchmarks.report import Cell, Table, Verdict, percentile
from flows import Chat, Flow
from flows.bot import Bot
from flows.engine import run_turn
from flows.rehearsal.conversation import Conversation
from flows.rehearsal.services import RehearsedServices
from storage.records import Turn

COLUMNS = ("at ask", "run µs", "of the first", "p95 µs", "state's JSON µs", "state KB")
NOTE = (
    "Medians. The run: state read, the answers before replayed, one answer taken, the next question asked, state made. "
    "The JSON: what the database's driver does beside it, parsing the state before the run and writing the one after."
)
PLACES = (1, 10, 50, 1_000)
PROMISED = 50
RUNS_AT_ONCE = 20

form = Flow("form", phrases=["form"])


@form
async def ask_for_numbers(chat: Chat) -> None:
    for number in range(PLACES[-1] + 1):
        await chat.ask(f"field_{number}", f"What is number {number}?", int)


async def measure(*, rounds: int, places: Sequence[int] = PLACES) -> tuple[list[Table], list[Verdict]]:
    """The same turn again and again at each place of one form, the places in turn, round after round."""
    services = RehearsedServices()
    bot = Bot([form])
    waiting = await _waiting_at(Conversation(bot, services), places)
    runs: defaultdict[int, list[float]] = defaultdict(list)
    parsing: defaultdict[int, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for place, (turn, stored) in waiting.items():
            for _ in range(RUNS_AT_ONCE):
                began = time.perf_counter()
                outcome = await run_turn(bot, turn, services)
                ran = time.perf_counter()
                orjson.loads(stored)
                orjson.dumps(outcome.state.data if outcome.state else None)
                parsing[place].append((time.perf_counter() - ran) * 1e6)
                runs[place].append((ran - began) * 1e6)
    first = percentile(runs[places[0]], 50)
    rows: list[tuple[Cell, ...]] = []
    for place, (_, stored) in waiting.items():
        middle = percentile(runs[place], 50)
        rows.append(
            (
                f"{place:,}",
                middle,
                f"{middle / first:.1f} ×",
                percentile(runs[place], 95),
                percentile(parsing[place], 50),
                len(stored) / 1000,
            )
        )
    verdicts = []
    if PROMISED in waiting:
        took = percentile(runs[PROMISED], 50) / 1000
        verdicts.append(Verdict(f"a run at ask {PROMISED}", f"{took:.2f} ms", "well under 1 ms", took < 0.5))
    return [Table("Replay", COLUMNS, rows, NOTE)], verdicts


async def _waiting_at(talk: Conversation, places: Sequence[int]) -> dict[int, tuple[Turn, bytes]]:
    """The turn that answers the question at each place, and the state that it starts from as it is stored."""
    waiting: dict[int, tuple[Turn, bytes]] = {}
    await talk.type("form")
    for place in range(1, max(places) + 1):
        if place in places:
            turn = Turn(talk.session, 1, talk.entry(str(place)), talk.state, 0)
            waiting[place] = turn, orjson.dumps(talk.state.data)
        await talk.type(str(place))
    return waiting
