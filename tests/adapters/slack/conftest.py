from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from storage.records import Channel

PAYLOADS = Path(__file__).parent / "payloads"


@pytest.fixture
def payload() -> Callable[[str], dict[str, Any]]:
    """One of the recorded payloads, by its file's name."""
    return lambda name: orjson.loads((PAYLOADS / f"{name}.json").read_bytes())


@pytest.fixture
def channel() -> Channel:
    return Channel(UUID(int=1), UUID(int=2), "slack", "A123ABC456/T123ABC456", "acme")
