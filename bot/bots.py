"""The tenants' bots: each tenant's folder, read once when it is first needed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import structlog

from bot.words import commands_of, phrasings_of, texts_of
from config.bots import BotConfig, KnowledgeConfig, ModelConfig, OtpConfig
from config.bots import load_bot as read_config
from config.errors import ConfigError
from flows.bot import Bot
from flows.errors import FlowMistake
from flows.load import load_bot
from storage.records import Channel
from storage.tenants import Tenants

log = structlog.get_logger("parley.bots")


class TenantBots:
    """Loads `<bots_dir>/<slug>` and keeps what it made; a changed folder needs a restart."""

    def __init__(self, bots_dir: Path, tenants: Tenants) -> None:
        self._bots_dir = bots_dir
        self._tenants = tenants
        self._configs: dict[str, BotConfig] = {}
        self._bots: dict[UUID, Bot] = {}
        self._slugs: dict[UUID, str] = {}

    def config(self, slug: str) -> BotConfig:
        """The settings of a tenant's bot. Raises ConfigError."""
        if slug not in self._configs:
            self._configs[slug] = read_config(self._bots_dir, slug)
        return self._configs[slug]

    async def of(self, tenant_id: UUID) -> Bot:
        """The bot that answers for a tenant. Raises ConfigError, FlowMistake and NotFound."""
        bot = self._bots.get(tenant_id)
        if bot is None:
            config = self.config(await self._slug(tenant_id))
            bot = self._bots[tenant_id] = await asyncio.to_thread(bot_of, config)
        return bot

    async def otp(self, tenant_id: UUID) -> OtpConfig:
        """How a tenant's one-time codes are sent."""
        return self.config(await self._slug(tenant_id)).otp

    async def knowledge(self, tenant_id: UUID) -> KnowledgeConfig:
        """What a tenant's bot answers from."""
        return self.config(await self._slug(tenant_id)).knowledge

    def model(self, tenant_id: UUID) -> ModelConfig:
        """The model of a tenant whose bot was loaded."""
        return self.config(self._slugs[tenant_id]).model

    async def load_all(self, *, strictly: bool) -> None:
        """Read every tenant's bot at start, so that a mistake is seen then.

        Where many tenants are served, one's mistake is logged and the others are served; `strictly` raises it.
        """
        for tenant in await self._tenants.list_all():
            self._slugs[tenant.id] = tenant.slug
            try:
                await self.of(tenant.id)
            except (ConfigError, FlowMistake) as error:
                if strictly:
                    raise
                log.error("bot_broken", tenant=tenant.slug, error=str(error))

    async def _slug(self, tenant_id: UUID) -> str:
        if tenant_id not in self._slugs:
            self._slugs[tenant_id] = (await self._tenants.load(tenant_id)).slug
        return self._slugs[tenant_id]


def bot_of(config: BotConfig) -> Bot:
    """The bot of the flows in the tenant's folder, with its words. Raises ConfigError and FlowMistake."""
    return load_bot(
        config.folder / "flows" if config.folder else None,
        config,
        texts=texts_of(config),
        commands=commands_of(config),
        phrasings=phrasings_of(config),
    )


def completed(channel: Channel, config: BotConfig) -> Channel:
    """The channel with its bot's settings where it has none of its own."""
    settings = {"idle_minutes": config.idle_minutes, "allowed_origins": config.web.allowed_origins}
    return replace(channel, settings={**settings, **channel.settings})
