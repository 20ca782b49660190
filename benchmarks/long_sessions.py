"""A turn's cost in sessions that have become long, and inside one flow with a long record."""

from __future__ import annotations

from collections import defaultdict

import asyncpg

from benchmarks.lab import Lab
from benchmarks.report import Table, Verdict, percentile

LENGTHS = (10, 100, 1_000, 10_000)
ASKS = ((10, "first 10"), (100, "up to 100"), (500, "up to 500"), (1_000, "up to 1,000"))

_FILL = """
with visitor as (
    select s.* from sessions s join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
    where u.external_id = $1
), said as (
    insert into messages (tenant_id, id, session_id, seq, change, created_change, sender_type, content, created_at)
    select v.tenant_id, uuidv7(), v.id, v.last_seq + n, v.last_change + n, v.last_change + n,
           case when n % 2 = 1 then 'user' else 'bot' end, 'message ' || n, now()
    from visitor v, generate_series(1, $2::int) n
)
update sessions s set last_seq = s.last_seq + $2::int, last_change = s.last_change + $2::int
from visitor v where s.tenant_id = v.tenant_id and s.id = v.id
"""


async def measure(lab: Lab, *, rounds: int) -> tuple[list[Table], list[Verdict]]:
    """The median turn of a session by its length, the lengths in turn; and of a flow by its asks."""
    url = await lab.database("long")
    took: defaultdict[int, list[float]] = defaultdict(list)
    async with lab.start("long", "benchmarks.inside", environment=lab.environment(url, 6)) as parley:
        owner = await asyncpg.connect(url)
        try:
            for length in LENGTHS:
                await parley.order(clients=1, turns=2, names=[f"visitor-{length}"])
                await owner.execute(_FILL, f"visitor-{length}", length)
        finally:
            await owner.close()
        for _ in range(rounds):
            for length in LENGTHS:
                took[length] += (await parley.order(clients=1, turns=20, names=[f"visitor-{length}"]))["ms"]
        texts = ["survey", *(str(n) for n in range(ASKS[-1][0]))]
        asked = (await parley.order(clients=1, turns=len(texts), texts=texts))["ms"]
    medians = {length: percentile(ms, 50) for length, ms in took.items()}
    growth = medians[LENGTHS[-1]] / medians[LENGTHS[0]]
    rows = [
        (f"{length:,} messages", medians[length], f"{medians[length] / medians[LENGTHS[0]]:.0%}")
        for length in LENGTHS
    ]
    asks, below = [], 0
    for most, name in ASKS:
        ms = percentile(asked[below + 1 : most + 1], 50)
        asks.append((f"asks, {name}", ms, f"{ms / percentile(asked[1 : ASKS[0][0] + 1], 50):.0%}"))
        below = most
    verdict = Verdict(
        "a turn at 10,000 messages against one at 10", f"{growth:.0%}", "the same (< 125 %)", growth < 1.25
    )
    tables = [
        Table("A turn in a long session", ("session", "p50 ms", "of 10"), rows),
        Table(
            "A turn inside one flow",
            ("record", "p50 ms", "of the first"),
            asks,
            "Every turn replays and rewrites the flow's whole record, up to 1,000 entries.",
        ),
    ]
    return tables, [verdict]
