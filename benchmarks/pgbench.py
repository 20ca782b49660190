"""Contender (b): the same two statements sent by pgbench, prepared: what the database alone can do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from benchmarks.bare_rows import ANSWER, HERE, STATE
from benchmarks.errors import Unexpected
from benchmarks.load import TEXTS
from storage.embedded.cluster import programs

# The server takes a hundred connections, and the other contenders' pools have some of them.
MOST_CONNECTIONS = 40

_SCRIPT = r"""\set number :client_id
\set key random(1, 9000000000000000000)
{accept} \gset
{commit};
"""


async def run_pgbench(
    owner_url: str, tenant_id: str, folder: Path, *, clients: int, seconds: float
) -> list[float]:
    """Turns for so many seconds; how long each took, in milliseconds. Raises Unexpected."""
    connections = min(clients, MOST_CONNECTIONS)
    parts = urlsplit(owner_url)
    script = folder / "turn.pgbench"
    script.write_text(
        _SCRIPT.format(accept=(HERE / "accept.sql").read_text(), commit=(HERE / "commit.sql").read_text())
    )
    log = folder / "pgbench"
    process = await asyncio.create_subprocess_exec(
        *(programs() / "pgbench", "--no-vacuum", "--protocol", "prepared", "--file", script),
        *(
            "--client",
            str(connections),
            "--jobs",
            str(min(connections, 2)),
            "--time",
            str(max(1, round(seconds))),
        ),
        *("--define", f"tenant={tenant_id}", "--define", f"content={TEXTS[0]}"),
        *("--define", f"answer={ANSWER}", "--define", f"data={STATE}"),
        *("--log", "--log-prefix", log),
        *(
            "-h",
            parse_qs(parts.query)["host"][0],
            "-p",
            parse_qs(parts.query)["port"][0],
            "-U",
            parts.username or "",
        ),
        parts.path.removeprefix("/"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    if process.returncode != 0:
        raise Unexpected(f"pgbench: {said.decode(errors='replace').strip().splitlines()[-1]}")
    latencies = []
    for path in folder.glob(f"{log.name}.*"):
        latencies += [int(line.split()[2]) / 1000 for line in path.read_text().splitlines()]
        path.unlink()
    return latencies
