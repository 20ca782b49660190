"""The demo tenant: what `parley run` serves before anybody has set anything up."""

from __future__ import annotations

from bot.runtime import Runtime
from storage.errors import NotFound

SLUG = "demo"
SITE = "demo"
CONSOLE = "demo-console"


async def ensure_demo(runtime: Runtime) -> None:
    """Make the demo tenant with its web site and console, unless they are there. Raises StorageError."""
    try:
        tenant = await runtime.tenants.find(SLUG)
    except NotFound:
        tenant = await runtime.tenants.create(SLUG, runtime.bots.config(SLUG).name)
    if await runtime.channels.find("web", SITE) is None:
        await runtime.channels.create(tenant.id, "web", SITE)
    if await runtime.channels.find("terminal", CONSOLE) is None:
        await runtime.channels.create(tenant.id, "terminal", CONSOLE)
    await runtime.bots.of(tenant.id)
