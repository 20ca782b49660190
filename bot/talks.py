"""A stored conversation with the bot that would answer it now, for those who look at it afterwards."""

from __future__ import annotations

from uuid import UUID

from bot.errors import Failed
from bot.runtime import Runtime
from flows.bot import Bot
from flows.rehearsal.stored_talk import StoredTalk
from storage.keys import Vault
from storage.results import Results
from storage.states import States


async def load_talk(runtime: Runtime, tenant: str, session_id: UUID) -> tuple[StoredTalk, Bot]:
    """All that is on record of a session, only read. Raises NotFound, Unavailable, and Failed if nothing was said."""
    owner = await runtime.tenants.find(tenant)
    vault = Vault(runtime.database, runtime.secrets)
    states = States(runtime.database, vault)
    standing = await states.standing(owner.id, session_id)
    messages = await states.said(owner.id, session_id)
    if standing is None or not messages:
        raise Failed(f"tenant {tenant!r} has no session {session_id} in which anything was said")
    session, state = standing
    results = await Results(runtime.database, vault).of_session(owner.id, session.user_id, session_id)
    return StoredTalk(session, state, messages, results), await runtime.bots.of(owner.id)
