"""Which connections of Socket Mode there are to be."""

from __future__ import annotations

from uuid import UUID

from adapters.slack.socket_mode import Link
from storage.slack_accounts import SlackAccounts


class SlackLinks:
    """The process's app-level token (SLACK_APP_TOKEN), and those of the apps that tenants brought along."""

    def __init__(self, accounts: SlackAccounts, app_token: str | None) -> None:
        self._accounts = accounts
        self._app_token = app_token

    async def list_all(self) -> list[Link]:
        """One for each token, however many channels have it. Raises Unavailable."""
        tenants: dict[str, set[UUID]] = {}
        for channel in await self._accounts.own_apps():
            token = channel.credentials.get("app_token")
            if token and token != self._app_token:
                tenants.setdefault(token, set()).add(channel.tenant_id)
        links = [Link(token, frozenset(owners)) for token, owners in tenants.items()]
        return links if self._app_token is None else [Link(self._app_token, None), *links]
