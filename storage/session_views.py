"""What operators see of sessions: lists, and one with what went wrong in it. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from storage.database import Database
from storage.records import Json
from storage.statements import Statements

_TROUBLES = 20


class Standing(StrEnum):
    """Which sessions a list shows; `open` are the active ones and those in the hands of persons."""

    OPEN = "open"
    ACTIVE = "active"
    HANDOFF = "handoff"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of a list ended."""

    at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to. Without a `standing`: the open ones, or all of the `user_id`."""

    standing: Standing | None = None
    platform: str | None = None
    channel_id: UUID | None = None
    owner: str | None = None
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as operators see it.

    `account` is the channel's name on the platform. `owner` is the operator who has it, `reason` why it was handed
    over. `flow` and `state_name` say where the bot stands; `messages` counts what was said.
    """

    id: UUID
    status: str
    platform: str
    channel_id: UUID
    account: str
    thread_key: str
    user_id: UUID
    external_user_id: str
    locale: str | None
    profile: Mapping[str, Json]
    started_at: datetime
    last_active_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    owner: str | None
    handed_over_at: datetime | None
    reason: str | None
    resolved: bool | None
    messages: int
    flow: str | None
    flow_version: str | None
    state_name: str | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """A delivery that failed (`failed`), or of which nobody knows how often it arrived (`possible_duplicate`)."""

    message_id: UUID | None
    status: str
    possible_duplicate: bool
    error: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class SessionDetail:
    """One session with what went wrong in it: its last troubles, and the entries that could not be answered."""

    view: SessionView
    troubles: tuple[Trouble, ...]
    dead_letters: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some sessions of a list; `end` is where the next page goes on, None where there is none."""

    sessions: tuple[SessionView, ...]
    end: Place | None


class SessionViews:
    """Reads a tenant's sessions for its operators. Every method may raise Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = Statements("session_views")

    async def page(self, tenant_id: UUID, wanted: Wanted, *, after: Place | None, limit: int) -> Page:
        """Up to `limit` sessions behind `after`.

        Open ones with the newest activity first; those in persons' hands, the longest there first; closed ones and
        one user's, the last first. A session that moves meanwhile may come twice or on no page.
        """
        standing = wanted.standing
        if standing is None and wanted.user_id is None:
            standing = Standing.OPEN
        arguments: list[Any] = [
            tenant_id,
            None if standing in (None, Standing.OPEN) else standing,
            wanted.platform,
            wanted.channel_id,
            wanted.owner,
            None if after is None else after.at,
            None if after is None else after.id,
            limit + 1,
        ]
        if wanted.user_id is not None:
            statement = self._sql.user_page
            arguments.append(wanted.user_id)
        elif standing is Standing.HANDOFF:
            statement = self._sql.handoff_page
        elif standing is Standing.CLOSED:
            statement = self._sql.closed_page
        else:
            statement = self._sql.open_page
        async with self._database.tenant(tenant_id) as connection:
            found = await connection.fetch(statement, *arguments)
            shown = found[:limit]
            ids = [row["id"] for row in shown]
            rows = await connection.fetch(self._sql.views, tenant_id, ids) if ids else []
        views = {row["id"]: _view(row) for row in rows}
        end = Place(shown[-1]["at"], shown[-1]["id"]) if len(found) > limit else None
        return Page(tuple(views[each] for each in ids if each in views), end)

    async def one(self, tenant_id: UUID, session_id: UUID) -> SessionDetail | None:
        """One session; None when the tenant has none of this id."""
        async with self._database.tenant(tenant_id) as connection:
            row = await connection.fetchrow(self._sql.views, tenant_id, [session_id])
            if row is None:
                return None
            troubles = await connection.fetch(self._sql.trouble, tenant_id, session_id, _TROUBLES)
            dead = await connection.fetchval(self._sql.dead_letters, tenant_id, session_id)
        told = (
            Trouble(each["message_id"], each["status"], each["possible_duplicate"], each["error"], each["at"])
            for each in troubles
        )
        return SessionDetail(_view(row), tuple(told), dead)


def _view(row: Mapping[str, Any]) -> SessionView:
    return SessionView(
        row["id"],
        row["status"],
        row["platform"],
        row["channel_id"],
        row["account"],
        row["thread_key"],
        row["user_id"],
        row["external_id"],
        row["locale"],
        row["profile"],
        row["started_at"],
        row["last_active_at"],
        row["ended_at"],
        row["end_reason"],
        row["owner"],
        row["handed_over_at"],
        row["handoff_reason"],
        row["resolved"],
        row["last_seq"],
        row["flow"],
        row["flow_version"],
        row["state_name"],
    )
