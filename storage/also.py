"""What few turns write besides, as the JSON that `commit_also` (migration 0008) takes apart."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from storage.approval_seal import ApprovalSeal
from storage.ids import uuid7
from storage.keys import Vault
from storage.outcomes import Link, Outcome
from storage.records import Turn
from storage.results import write_results
from storage.turn_seal import TurnSeal


class Also:
    """Makes that JSON; what it holds of other people is sealed with their keys where they need it."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._seal = TurnSeal(vault)
        self._approvals = ApprovalSeal(vault)

    async def of(self, turn: Turn, outcome: Outcome, sealing: Mapping[UUID, UUID]) -> dict[str, Any] | None:
        """The JSON, None where there is nothing.

        `sealing` names the users of those sessions that take sealed events only. Raises KeyMissing and Unavailable.
        """
        also: dict[str, Any] = {}
        if (hand := outcome.hand) is not None:
            to = "person" if hand.to_person else "bot"
            also["hand"] = {"to": to, "owner": hand.owner, "reason": hand.reason}
        if outcome.agent is not None:
            also["agent"] = outcome.agent
        if outcome.events:
            also["events"] = await self._events(turn.session.tenant_id, outcome, sealing)
        if outcome.approvals is not None:
            also["approvals"] = await self._approvals.written(turn.session, outcome.approvals)
        if outcome.results:
            also["results"] = await write_results(self._vault, turn, outcome.results)
        also.update(_of_the_person(outcome))
        return also or None

    async def _events(
        self, tenant_id: UUID, outcome: Outcome, sealing: Mapping[UUID, UUID]
    ) -> list[dict[str, Any]]:
        written = []
        for event in outcome.events:
            entry_id, payload = uuid7(), {"name": event.name, "value": event.value}
            told: dict[str, Any] = {"session": str(event.session_id), "entry": str(entry_id)}
            told["key"] = f"event/{event.session_id}/{event.key}"
            if (user_id := sealing.get(event.session_id)) is None:
                told["payload"] = payload
            else:
                sealed = await self._seal.seal_event(tenant_id, user_id, entry_id, payload)
                told["sealed"] = base64.b64encode(sealed).decode()
            written.append(told)
        return written


def _of_the_person(outcome: Outcome) -> dict[str, Any]:
    """What concerns the person's other users and their sessions."""
    also: dict[str, Any] = {}
    if outcome.links:
        also["links"] = [_link(link) for link in outcome.links]
    if outcome.parted:
        also["parted"] = [str(user_id) for user_id in outcome.parted]
    if (taken := outcome.taken_up) is not None:
        also["taken_up"] = {
            "session": str(taken.session_id),
            "version": taken.version,
            "message": str(uuid7()),
            "notice": taken.notice,
        }
    return also


def _link(link: Link) -> dict[str, str]:
    written = {"user": str(link.user_id), "id": str(uuid7())}
    if link.external_id:
        written |= {"platform": link.platform, "external_id": link.external_id}
    return written
