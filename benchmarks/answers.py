"""Answers: what the embedding model costs, how fast documents are taken in, how soon a model's answer is seen."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import psutil

from benchmarks.clients import StreamClient
from benchmarks.errors import Unexpected
from benchmarks.lab import Lab
from benchmarks.report import Table, Verdict, percentile
from bot.emulators.model.server import KEY, ModelEmulator
from flows.knowledge.embedding import MiniLm
from flows.llm.anthropic import Anthropic
from flows.llm.contract import ModelRequest, Said, Source, Text

QUESTION = "How long is the lease of a turn?"
MOST_LATER_MS = 10.0
# Not counted: they load models and make plans.
_FIRST = 5
_GUIDES = Path(__file__).parent.parent / "docs"
_CHUNK = "The lease of a turn lasts for thirty seconds and is renewed while the turn runs. " * 8


async def measure(lab: Lab, *, answers: int) -> tuple[list[Table], list[Verdict]]:
    """The tables of the model, of ingest, and of the first delta."""
    model = await _embedding()
    environment = lab.environment(await lab.database("answers"), 6)
    async with ModelEmulator() as emulator:
        environment |= {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": emulator.url}
        async with lab.start("answering", "benchmarks.serve", environment=environment) as server:
            await server.serving()
            ingested = _ingested(await ingest_guides(environment))
            alone = await _model_alone(emulator.url, answers)
            through, behind = await _through_parley(server.port, emulator, answers)
    deltas = Table(
        "From the question to the first delta",
        ("ms", "p50", "p95"),
        [
            ("the model, asked directly", percentile(alone, 50), percentile(alone, 95)),
            ("through Parley, by socket", percentile(through, 50), percentile(through, 95)),
            ("of this, from the model's first delta on", percentile(behind, 50), percentile(behind, 95)),
        ],
        "The model answers at once. Before it asks, Parley accepts, embeds, searches, records and reserves.",
    )
    later = median(behind)
    verdict = Verdict(
        "first delta, behind the model's", f"{later:.1f} ms", f"< {MOST_LATER_MS:g} ms", later < MOST_LATER_MS
    )
    return [model, ingested, deltas], [verdict]


async def _embedding() -> Table:
    """By a process of its own, so that nothing else is in its memory."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.answers", stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    if process.returncode != 0:
        raise Unexpected("the embedding model could not be measured")
    rows = [tuple(row) for row in orjson.loads(said)]
    return Table("The embedding model", ("what", "figure"), rows, "On two threads, beside nothing else.")


async def ingest_guides(environment: dict[str, str]) -> dict[str, Any]:
    """Parley's own guides as the demo's documents; what `ingest` reports. Raises Unexpected."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "ingest", str(_GUIDES), "--tenant", "demo", "--json"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    if process.returncode != 0:
        raise Unexpected("the guides could not be ingested")
    report: dict[str, Any] = orjson.loads(said)
    return report


def _ingested(report: dict[str, Any]) -> Table:
    rate = report["chunks"] / report["seconds"]
    return Table(
        "Ingest",
        ("documents", "chunks", "seconds", "chunks/s"),
        [(report["created"], report["chunks"], report["seconds"], rate)],
        "Parley's own guides: read, cut, embedded, indexed; the model's load included.",
    )


async def _model_alone(url: str, answers: int) -> list[float]:
    """Milliseconds until the first text, asked through the same SDK with as much to read."""
    provider = Anthropic(KEY, url)
    await provider.load()
    sources = tuple(Source("Title", "guide.md", _CHUNK) for _ in range(8))
    request = ModelRequest("claude-haiku-5-5", "Answer.", (Said("user", QUESTION),), sources)
    took = []
    try:
        for _ in range(answers):
            started = time.perf_counter()
            stream = provider.stream(request)
            async for event in stream:
                if isinstance(event, Text):
                    took.append((time.perf_counter() - started) * 1000)
                    break
            await stream.aclose()
    finally:
        await provider.close()
    return took


async def _through_parley(
    port: int, emulator: ModelEmulator, answers: int
) -> tuple[list[float], list[float]]:
    """Milliseconds from the question to the first delta, and from the model's first delta to ours."""
    client = await StreamClient.enter(port)
    through, behind = [], []
    for number in range(_FIRST + answers):
        started = time.perf_counter()
        seen = await client.first_delta_at(f"q{number}", QUESTION)
        assert emulator.first_delta_at is not None
        through.append((seen - started) * 1000)
        behind.append((seen - emulator.first_delta_at) * 1000)
    client.close()
    return through[_FIRST:], behind[_FIRST:]


async def measure_model() -> list[tuple[str, str]]:
    """What the embedding model costs this process."""
    process = psutil.Process()
    before = process.memory_info().rss
    embedder = MiniLm()
    started = time.perf_counter()
    await embedder.embed(["x"])
    loaded_s, loaded = time.perf_counter() - started, process.memory_info().rss
    questions = []
    for _ in range(100):
        started = time.perf_counter()
        await embedder.embed([QUESTION])
        questions.append((time.perf_counter() - started) * 1000)
    started = time.perf_counter()
    await embedder.embed([_CHUNK] * 400)
    rate = 400 / (time.perf_counter() - started)
    embedder.close()
    return [
        ("load", f"{loaded_s:.2f} s"),
        ("memory when loaded", f"{(loaded - before) / 1e6:.0f} MB"),
        ("memory after 400 chunks", f"{(process.memory_info().rss - before) / 1e6:.0f} MB"),
        ("a question", f"{median(questions):.1f} ms"),
        (f"chunks of {len(_CHUNK)} characters", f"{rate:.0f}/s"),
    ]


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(asyncio.run(measure_model())))
