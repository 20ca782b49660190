from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from rehearsal import DEMO

from adapters.errors import Refused
from adapters.web.tokens import Tokens

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


def test_a_token_lasts_thirty_days_even_when_it_is_remembered() -> None:
    clock = Clock()
    tokens = Tokens(b"s" * 32, clock=clock)
    token, expires_at = tokens.issue("demo", DEMO, "visitor:x")
    assert expires_at == NOW + timedelta(days=30)
    assert tokens.verify(token).external_id == "visitor:x"
    clock.now = expires_at
    with pytest.raises(Refused) as caught:
        tokens.verify(token)
    assert caught.value.code == "token_expired"


def test_an_older_secret_still_verifies_and_the_first_one_issues() -> None:
    clock = Clock()
    old, _ = Tokens(b"o" * 32, clock=clock).issue("demo", DEMO, "visitor:x")
    both = Tokens(b"n" * 32, b"o" * 32, clock=clock)
    new, _ = both.issue("demo", DEMO, "visitor:y")
    assert both.verify(old).external_id == "visitor:x"
    assert Tokens(b"n" * 32, clock=clock).verify(new).external_id == "visitor:y"
    with pytest.raises(Refused):
        Tokens(b"n" * 32, clock=clock).verify(old)


def test_the_webs_key_is_not_the_secret_itself() -> None:
    import jwt

    token, _ = Tokens(b"s" * 32, clock=Clock()).issue("demo", DEMO, "visitor:x")
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, b"s" * 32, algorithms=["HS256"], audience="demo")


def test_only_so_many_tokens_are_remembered_and_the_idle_go_first() -> None:
    tokens = Tokens(b"s" * 32, clock=Clock(), remembered=2)
    issued = [tokens.issue("demo", DEMO, f"visitor:{n}")[0] for n in range(3)]
    tokens.verify(issued[0])
    tokens.verify(issued[1])
    tokens.verify(issued[0])
    tokens.verify(issued[2])
    assert set(tokens._seen) == {issued[0], issued[2]}


def test_a_refused_token_is_not_remembered_and_a_huge_one_not_even_read() -> None:
    tokens = Tokens(b"s" * 32, clock=Clock())
    for token in ("x", "a" * 100_000):
        with pytest.raises(Refused):
            tokens.verify(token)
    assert not tokens._seen
