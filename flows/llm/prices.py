"""What models cost: list prices in US dollars per million tokens.

A model that is not here has no known price, which is not a price of 0. Cache writes are those for five minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal

from flows.llm.contract import ModelRequest, Usage

# When the table was put together, from
#   [1] https://platform.claude.com/docs/en/about-claude/pricing, as it stood in September 2026
#   [2] https://platform.claude.com/docs/en/models/<model>/overview, as they stood in October 2026
#   [3] https://github.com/kurofune/claudit/releases/tag/v1.9.2, which read [1] on 2026-10-24: Sonnet 5.5's cache
#       reads since 2026-10-07, Haiku 5.5's two tiers
#   [4] https://docs.laozhang.ai/en/announcements/claude-fable-5-2-2026-11.md, 2026-11-10: Fable 5.2's list price
AS_OF = date(2026, 11, 20)

_MILLION = Decimal(1_000_000)
_SMALLEST = Decimal("0.000001")
# A tool brings a prompt of the provider's own along.
_TOOLS_TOKENS = 600
_PART_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens. `long` is what a whole call costs whose prompt is longer than `long_from`."""

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal
    long_from: int | None = None
    long: Price | None = None

    def cost(self, usage: Usage) -> Decimal:
        """What a call came to, in dollars, rounded up to what is kept of it."""
        if self.long is not None and self.long_from is not None and usage.prompt_tokens > self.long_from:
            return self.long.cost(usage)
        plain = usage.prompt_tokens - usage.cache_read_tokens - usage.cache_write_tokens
        dollars = (
            plain * self.input
            + usage.cache_read_tokens * self.cache_read
            + usage.cache_write_tokens * self.cache_write
            + usage.completion_tokens * self.output
        ) / _MILLION
        return dollars.quantize(_SMALLEST, ROUND_CEILING)

    def worst_case(self, request: ModelRequest) -> Decimal:
        """What a request may cost at most, in dollars, going by `estimated_tokens`."""
        return self.cost(Usage(estimated_tokens(request), request.max_tokens))


def estimated_tokens(request: ModelRequest) -> int:
    """More tokens than a request's prompt has: one for every two bytes, where English has one for three to four."""
    texts = [request.system, *(said.text for said in request.messages)]
    for source in request.sources:
        texts += [source.title, source.source, source.text]
    for tool in request.tools:
        texts += [tool.name, tool.description, str(tool.schema)]
    size = sum(len(text.encode()) for text in texts)
    return size // 2 + _PART_TOKENS * len(texts) + (_TOOLS_TOKENS if request.tools else 0)


def _price(input_: str, output: str, cache_read: str, cache_write: str) -> Price:
    return Price(Decimal(input_), Decimal(output), Decimal(cache_read), Decimal(cache_write))


def _tiered(short: Price, long_from: int, long: Price) -> Price:
    return Price(short.input, short.output, short.cache_read, short.cache_write, long_from, long)


_FABLE_5_1 = _price("10", "50", "0.25", "12.50")
_FABLE_5 = _price("10", "50", "1", "12.50")
_OPUS_4_5_TO_5 = _price("5", "25", "0.50", "6.25")
_SONNET_4 = _price("3", "15", "0.30", "3.75")
_HAIKU_4_5 = _price("1", "5", "0.10", "1.25")

PRICES: Mapping[str, Price] = {
    "claude-fable-5-2": _price("8", "40", "0.20", "10"),  # [4]
    "claude-fable-5-1": _FABLE_5_1,  # [1]
    "claude-mythos-5-1": _FABLE_5_1,  # [1]
    "claude-fable-5": _FABLE_5,  # [1]
    "claude-mythos-5": _FABLE_5,  # [1]
    "claude-opus-5-5": _price("4", "20", "0.20", "5"),  # [2]
    "claude-opus-5": _OPUS_4_5_TO_5,  # [1]
    "claude-opus-4-8": _OPUS_4_5_TO_5,  # [1]
    "claude-opus-4-7": _OPUS_4_5_TO_5,  # [1]
    "claude-opus-4-6": _OPUS_4_5_TO_5,  # [1]
    "claude-opus-4-5": _OPUS_4_5_TO_5,  # [1]
    "claude-opus-4-5-20251101": _OPUS_4_5_TO_5,  # [1]
    "claude-sonnet-5-5": _price("2", "10", "0.10", "2.50"),  # [2] [3]
    "claude-sonnet-5": _price("2", "10", "0.20", "2.50"),  # [2]
    "claude-sonnet-4-6": _SONNET_4,  # [1]
    "claude-sonnet-4-5": _SONNET_4,  # [1]
    "claude-sonnet-4-5-20250929": _SONNET_4,  # [1]
    "claude-haiku-5-5": _tiered(  # [2] [3]
        _price("0.10", "0.50", "0.01", "0.125"), 100_000, _price("0.50", "2.50", "0.05", "0.625")
    ),
    "claude-haiku-4-5": _HAIKU_4_5,  # [1]
    "claude-haiku-4-5-20251001": _HAIKU_4_5,  # [1]
}
