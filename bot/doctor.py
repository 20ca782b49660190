"""What `parley doctor` looks at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from bot.parts import Resolved, resolve
from bot.runtime import Parts, Roles, open_runtime
from config.errors import ConfigError
from config.settings import Settings
from flows.errors import FlowError
from storage.database import server_facts
from storage.embedded.errors import EmbeddedError
from storage.errors import StorageError
from storage.migrate import head
from storage.objects import Objects
from storage.redis import connect, reachable

OLDEST_POSTGRES = 15
# A tenant that nobody has, for the object that is put and deleted to try the store.
NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `ok`, `warning` (works, but look at it) or `wrong`."""

    check: str
    state: Literal["ok", "warning", "wrong"]
    detail: str

    def row(self) -> dict[str, Any]:
        return {"check": self.check, "state": self.state, "detail": self.detail}


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything that a process needs; goes on after a failure where it can."""
    findings = [
        Finding("settings", "ok", f"data in {settings.parley_data_dir}, bots in {settings.parley_bots_dir}")
    ]
    if settings.parley_single_role:
        findings.append(
            Finding(
                "single role",
                "warning",
                "PARLEY_SINGLE_ROLE=1: the role that owns the tables also runs the bot; use two where you can",
            )
        )
    try:
        async with resolve(settings, join=True) as resolved:
            kind = "embedded" if resolved.embedded else "by DATABASE_URL"
            for name, check in (
                ("postgres", lambda: _postgres(resolved.parts, kind)),
                ("redis", lambda: _redis(resolved.parts)),
                ("runtime", lambda: _runtime(resolved.parts)),
            ):
                findings.append(await _checked(name, check))
            findings.append(await _files(resolved, settings))
    except (ConfigError, StorageError, EmbeddedError) as error:
        findings.append(Finding("servers", "wrong", str(error)))
    return findings


async def _checked(name: str, check: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return Finding(name, "ok", await check())
    except (StorageError, ConfigError, FlowError) as error:
        return Finding(name, "wrong", str(error))


async def _postgres(parts: Parts, kind: str) -> str:
    facts = await server_facts(parts.database_url)
    if facts.version < OLDEST_POSTGRES:
        raise StorageError(f"PostgreSQL {facts.version} is too old: Parley needs {OLDEST_POSTGRES} or newer")
    if not facts.has_vector:
        raise StorageError("the extension vector is missing: install pgvector, then run `parley migrate`")
    if facts.revision != head():
        raise StorageError(
            f"the schema is at {facts.revision or 'nothing'}, not {head()}: run `parley migrate`"
        )
    return f"PostgreSQL {facts.version} {kind}, schema {facts.revision}"


async def _redis(parts: Parts) -> str:
    redis = connect(parts.redis_url)
    try:
        with reachable():
            server = await redis.info("server")
    finally:
        await redis.aclose()
    return f"Redis {server['redis_version']}"


async def _runtime(parts: Parts) -> str:
    async with open_runtime(parts, Roles(accepts=False, works=False, sweeps=False), {}) as runtime:
        await runtime.bots.load_all(strictly=True)
        tenants = await runtime.tenants.list_all()
    return f"role, key and bots are fine; {len(tenants)} tenant{'' if len(tenants) == 1 else 's'}"


async def _files(resolved: Resolved, settings: Settings) -> Finding:
    """Put, read and delete an object; and say where a folder is not enough."""
    place = resolved.parts.object_store
    if place is None:
        return Finding(
            "files",
            "warning",
            "OBJECT_STORE_URL is not set: web, worker and clock take no files; `run` keeps its own on its machine",
        )
    is_folder = isinstance(place, Path) or place.startswith("file:")
    shown = f"folder {place}" if isinstance(place, Path) else f"OBJECT_STORE_URL ({urlsplit(place).scheme})"
    found = await _checked("files", lambda: _round_trip(place, shown))
    if found.state == "ok" and is_folder and not resolved.embedded:
        return Finding("files", "warning", f"{shown}: every machine must have the same folder there")
    return found


async def _round_trip(place: str | Path, shown: str) -> str:
    objects = Objects.open(place)
    try:
        stored = await objects.put(NOBODY, b"parley doctor", limit_bytes=64)
        opened = await objects.get(NOBODY, stored.key)
        async for _ in opened.chunks:
            pass
        await objects.delete(NOBODY, stored.key)
    finally:
        objects.close()
    return f"{shown} takes, gives and deletes"
