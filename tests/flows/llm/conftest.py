from __future__ import annotations

import pytest

from bot.emulators.model.server import ModelEmulator
from flows.llm.anthropic import Anthropic, Patience
from flows.llm.contract import ModelRequest, Said, Source, Tool

PATIENCE = Patience(connect=2.0, first_event=5.0, silence=5.0, whole=10.0)
SOURCES = (
    Source("Opening hours", "guide/hours.md", "The shop opens at nine. On Sundays it is closed."),
    Source("Returns", "guide/returns.md", "Parcels can be returned within thirty days. Keep the receipt."),
)


@pytest.fixture
async def emulator():
    async with ModelEmulator() as emulator:
        yield emulator


@pytest.fixture
async def anthropic(emulator):
    """The provider, with its real SDK, on the emulator."""
    provider = Anthropic(emulator.key, emulator.url, PATIENCE)
    yield provider
    await provider.close()


@pytest.fixture
def request_():
    """A question without sources."""
    return ModelRequest("claude-haiku-5-5", "Be brief.", (Said("user", "Hello there"),))


@pytest.fixture
def asked_of_sources():
    """A question that a source answers."""
    return ModelRequest(
        "claude-haiku-5-5", "Be brief.", (Said("user", "When must parcels be returned?"),), SOURCES
    )


@pytest.fixture
def with_tool():
    """A question with a tool to use."""
    tool = Tool("find_order", "Finds an order.", {"type": "object", "properties": {"id": {"type": "string"}}})
    return ModelRequest("claude-haiku-5-5", "Be brief.", (Said("user", "Where is order 7?"),), tools=(tool,))
