from __future__ import annotations

import pytest
from estate import planted_estate


@pytest.fixture
async def estate(database):
    """A database with two tenants; see `tests/support/estate.py`."""
    async with planted_estate(database.owner_url, database.runtime_url, database.dispatch_url) as estate:
        yield estate
