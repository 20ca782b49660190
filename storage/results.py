"""The lasting record of what calls, models and events gave a session; written by the commit of a turn."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
import structlog

from storage.database import Database
from storage.errors import KeyMissing, SealBroken
from storage.keys import Vault
from storage.outcomes import Result, StoredResult
from storage.records import Turn
from storage.sealing import Sealer
from storage.statements import Statements

log = structlog.get_logger("parley.results")


class Results:
    """Reads results; sensitive ones are opened with the key of the session's user."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._sql = Statements("turn_results")

    async def of_session(self, tenant_id: UUID, user_id: UUID, session_id: UUID) -> list[StoredResult]:
        """All results of a user's session, in order. Raises Unavailable and WrongSecret."""
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.of_session, tenant_id, session_id)
        sealer = None
        if any(row["sealed"] is not None for row in rows):
            try:
                sealer = await self._vault.user_sealer(tenant_id, user_id)
            except KeyMissing as error:
                log.warning("results_unreadable", session=str(session_id), error=type(error).__name__)
        return [_stored(session_id, row, sealer) for row in rows]


async def write_results(vault: Vault, turn: Turn, results: Sequence[Result]) -> list[dict[str, Any]]:
    """The JSON that `add_results` (migration 0011) takes. Raises KeyMissing, WrongSecret and Unavailable."""
    session = turn.session
    sealer = None
    if any(result.sensitive for result in results):
        sealer = await vault.user_sealer(session.tenant_id, session.user_id)
    written = []
    for ordinal, result in enumerate(results, start=1):
        told: dict[str, Any] = {
            "flow": result.flow,
            "run": result.run,
            "path": result.path,
            "kind": result.kind,
            "name": result.name,
            "status": result.status,
        }
        if sealer is not None and result.sensitive:
            plain = orjson.dumps([result.digest, result.value])
            place = _place(session.id, turn.entry.position, ordinal)
            told["sealed"] = base64.b64encode(sealer.seal("turn_results", "value", place, plain)).decode()
        else:
            told |= {"digest": result.digest, "value": result.value}
        written.append(told)
    return written


def _stored(session_id: UUID, row: Mapping[str, Any], sealer: Sealer | None) -> StoredResult:
    digest, value, readable = row["digest"], row["value"], True
    if (sealed := row["sealed"]) is not None:
        place = _place(session_id, row["position"], row["ordinal"])
        try:
            if sealer is None:
                raise KeyMissing(f"the key of session {session_id}'s user")
            digest, value = orjson.loads(sealer.open("turn_results", "value", place, sealed))
        except (KeyMissing, SealBroken, orjson.JSONDecodeError):
            readable = False
    result = Result(
        row["kind"],
        row["name"],
        value,
        row["status"],
        row["flow"],
        row["run"],
        row["path"],
        digest,
        sealed is not None,
    )
    return StoredResult(row["position"], row["message_id"], row["created_at"], result, readable)


def _place(session_id: UUID, position: int, ordinal: int) -> str:
    return f"{session_id}/{position}/{ordinal}"
