"""What the environment says, read once at start and validated as a whole.

This is the only place that reads it. Every field is the variable of the same name in capitals;
`.env.example` describes each.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from config.errors import ConfigError
from config.values import (
    HttpUrl,
    ObjectStoreUrl,
    Port,
    PostgresUrl,
    RedisUrl,
    SecretKeys,
    SlackApiUrl,
    SlackAppToken,
    SlackBotToken,
    SlackClientId,
    SlackClientSecret,
    SlackSigningSecrets,
    Switch,
    secret_key,
)

_TENANTS = Path(__file__).parent / "tenants"


class Settings(BaseSettings):
    """The process's settings; frozen. Secrets are kept out of its repr."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: PostgresUrl | None = Field(default=None, repr=False)
    database_owner_url: PostgresUrl | None = Field(default=None, repr=False)
    redis_url: RedisUrl | None = Field(default=None, repr=False)
    object_store_url: ObjectStoreUrl | None = Field(default=None, repr=False)
    data_source_url: PostgresUrl | None = Field(default=None, repr=False)

    parley_secret_key: SecretKeys | None = Field(default=None, repr=False)
    parley_data_dir: Path = Path("var")
    parley_public_url: HttpUrl | None = None
    parley_single_role: Switch = False
    parley_bots_dir: Path = _TENANTS
    parley_log_format: Literal["auto", "console", "json"] = "auto"
    port: Port = 8080

    anthropic_api_key: str | None = Field(default=None, repr=False)
    anthropic_base_url: HttpUrl | None = None
    openai_api_key: str | None = Field(default=None, repr=False)
    openai_base_url: HttpUrl | None = None
    voyage_api_key: str | None = Field(default=None, repr=False)

    slack_signing_secret: SlackSigningSecrets | None = Field(default=None, repr=False)
    slack_bot_token: SlackBotToken | None = Field(default=None, repr=False)
    slack_app_token: SlackAppToken | None = Field(default=None, repr=False)
    slack_client_id: SlackClientId | None = None
    slack_client_secret: SlackClientSecret | None = Field(default=None, repr=False)
    slack_api_base_url: SlackApiUrl | None = None

    twilio_account_sid: str | None = None
    twilio_auth_token: str | None = Field(default=None, repr=False)
    twilio_whatsapp_from: str | None = None
    twilio_api_base_url: HttpUrl | None = None

    @model_validator(mode="after")
    def _client_is_whole(self) -> Self:
        if (self.slack_client_id is None) != (self.slack_client_secret is None):
            missing = "SLACK_CLIENT_ID" if self.slack_client_id is None else "SLACK_CLIENT_SECRET"
            raise ValueError(f"{missing} is not set: client id and secret of the Slack app go together")
        return self

    @classmethod
    def load(cls) -> Self:
        """Read the environment and `.env` of the working directory. Raises ConfigError."""
        try:
            return cls()
        except ValidationError as error:
            raise ConfigError("; ".join(_sentence(fault) for fault in error.errors())) from None
        except UnicodeDecodeError:
            raise ConfigError(
                ".env is not text in UTF-8: write it anew, starting from .env.example"
            ) from None
        except OSError as error:
            raise ConfigError(f".env cannot be read ({error.strerror}): give this user access") from None

    def require(self, *names: str) -> None:
        """Check that these variables are set. Raises ConfigError that names all the missing ones."""
        missing = [name for name in names if getattr(self, name.lower()) is None]
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            raise ConfigError(
                f"{' and '.join(missing)} {verb} not set: see .env.example for what to put there"
            )

    @property
    def secret_keys(self) -> tuple[bytes, ...]:
        """The keys of PARLEY_SECRET_KEY, 32 bytes each, the current one first; empty when it is not set."""
        if self.parley_secret_key is None:
            return ()
        return tuple(secret_key(part) for part in self.parley_secret_key.split(","))

    @property
    def slack_signing_secrets(self) -> tuple[str, ...]:
        """Those of SLACK_SIGNING_SECRET, of which any may have signed; empty when it is not set."""
        return tuple(self.slack_signing_secret.split(",")) if self.slack_signing_secret else ()

    @property
    def public_url(self) -> str:
        """Where people reach this bot, without a slash at the end."""
        return (self.parley_public_url or f"http://localhost:{self.port}").rstrip("/")


def _sentence(error: object) -> str:
    assert isinstance(error, dict)
    if not error["loc"]:
        # About several of them, which it names itself.
        return str(error["ctx"]["error"])
    name = str(error["loc"][0]).upper()
    if error["type"] == "literal_error":
        return f"{name} has an unknown value: set it to one of {error['ctx']['expected']}"
    if error["type"] == "value_error":
        return f"{name} {error['ctx']['error']}"
    return f"{name} {error['msg']}"
