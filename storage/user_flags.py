"""What flows remember of a user, beyond sessions; written by the commit of a turn (`commit_turn`)."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import orjson
import structlog

from storage.database import Database
from storage.errors import KeyMissing, SealBroken
from storage.keys import Vault
from storage.outcomes import Flag
from storage.sealing import Sealer
from storage.statements import Statements

log = structlog.get_logger("parley.flags")


class UserFlags:
    """Reads flags; sensitive ones are opened with the key of the user whose they are."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._sql = Statements("user_flags")

    async def read(self, tenant_id: UUID, user_id: UUID) -> Mapping[str, Flag]:
        """All flags of a user, and of those who are one person with them, by name; the newest counts.

        One that cannot be opened is as none. Raises Unavailable, WrongSecret.
        """
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.of_user, tenant_id, user_id)
        flags: dict[str, Flag] = {}
        for row in rows:
            name, whose = row["name"], row["user_id"]
            if name in flags:
                continue
            if row["sealed"] is None:
                flags[name] = Flag(name, row["value"])
                continue
            try:
                sealer = await self._vault.user_sealer(tenant_id, whose)
                flags[name] = _open(sealer, whose, name, row["sealed"])
            except (KeyMissing, SealBroken, orjson.JSONDecodeError) as error:
                log.warning("flag_unreadable", user=str(whose), error=type(error).__name__)
        return flags


def seal_flag(sealer: Sealer, user_id: UUID, flag: Flag) -> bytes:
    """A sensitive flag's value as its row keeps it, bound to the user and the name."""
    return sealer.seal("user_flags", "value", f"{user_id}/{flag.name}", orjson.dumps(flag.value))


def _open(sealer: Sealer, user_id: UUID, name: str, sealed: bytes) -> Flag:
    plain = sealer.open("user_flags", "value", f"{user_id}/{name}", sealed)
    return Flag(name, orjson.loads(plain), sensitive=True)
