from __future__ import annotations

from decimal import Decimal
from typing import Literal, get_args

import pytest

from flows.llm.contract import ModelRequest, Said, Source, Tool, Usage
from flows.llm.prices import PRICES, Price, estimated_tokens


def test_every_priced_model_is_one_that_the_sdk_knows():
    from anthropic.types import Model

    known = {name for part in get_args(Model) for name in get_args(part)}
    assert known >= set(PRICES)


def test_a_cost_adds_up_by_kind_of_token():
    price = Price(Decimal(10), Decimal(50), Decimal(1), Decimal("12.5"))
    usage = Usage(prompt_tokens=1_000, completion_tokens=200, cache_read_tokens=300, cache_write_tokens=400)
    assert price.cost(usage) == Decimal(300 * 10 + 300 + 400 * 125 // 10 + 200 * 50) / 1_000_000


@pytest.mark.parametrize(("prompt", "dollars"), [(100_000, "0.0105"), (100_001, "0.052501")])
def test_a_long_prompt_makes_the_whole_call_dearer(prompt, dollars):
    assert PRICES["claude-haiku-5-5"].cost(Usage(prompt, 1_000)) == Decimal(dollars)


def test_a_cache_read_is_cheaper_and_a_write_dearer_than_plain_input():
    for model, price in PRICES.items():
        assert price.cache_read < price.input < price.cache_write < price.output, model


@pytest.mark.parametrize(
    "text", ["a word and another. " * 50, "слово и ещё одно " * 50, "一些中文文本" * 50, "x=1;" * 99]
)
def test_the_estimate_is_well_above_what_a_tokenizer_counts(text):
    request = ModelRequest("m", "", (Said("user", text),))
    kind: Literal["wide", "narrow"] = "wide" if "文" in text else "narrow"
    most = len(text) if kind == "wide" else len(text) / 2.2
    assert estimated_tokens(request) > most


def test_sources_and_tools_count():
    bare = ModelRequest("m", "s", (Said("user", "q"),))
    with_source = ModelRequest("m", "s", (Said("user", "q"),), (Source("t", "u", "x" * 1000),))
    with_tool = ModelRequest("m", "s", (Said("user", "q"),), tools=(Tool("t", "d", {"type": "object"}),))
    assert estimated_tokens(with_source) >= estimated_tokens(bare) + 500
    assert estimated_tokens(with_tool) >= estimated_tokens(bare) + 600


def test_the_worst_case_covers_what_it_comes_to():
    request = ModelRequest("m", "Be brief.", (Said("user", "Hello"),), max_tokens=100)
    price = PRICES["claude-sonnet-5-5"]
    assert price.worst_case(request) >= price.cost(Usage(10, 100))
