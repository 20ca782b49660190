"""How a process reaches Slack, as its settings say."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.slack.oauth import SlackApp
from adapters.slack.web_api import API_BASE_URL
from config.settings import Settings
from storage.clock import Clock


@dataclass(frozen=True, slots=True)
class SlackAccess:
    """The process's app: without client id and secret nothing can be installed or renewed.

    `signing_secrets` may be several while one is changed; with an `app_token` events come over Socket Mode.
    `public_url` has no slash at its end.
    """

    public_url: str = "http://localhost:8080"
    api_base_url: str = API_BASE_URL
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    signing_secrets: tuple[str, ...] = field(default=(), repr=False)
    app_token: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> SlackAccess:
        """What the environment says."""
        return cls(
            settings.public_url,
            settings.slack_api_base_url or API_BASE_URL,
            settings.slack_client_id,
            settings.slack_client_secret,
            settings.slack_signing_secrets,
            settings.slack_app_token,
        )

    def app(self, clock: Clock) -> SlackApp | None:
        """The app that can be installed through OAuth, if there is one."""
        if self.client_id is None or self.client_secret is None:
            return None
        return SlackApp(self.client_id, self.client_secret, clock, self.api_base_url)
