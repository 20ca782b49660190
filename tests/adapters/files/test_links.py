from __future__ import annotations

import base64
from datetime import timedelta
from uuid import UUID

import pytest
from clocks import MovableClock

from adapters.files.links import LINK_LIFE, Link, Links
from storage.secret_key import Secrets

TENANT = UUID("0190a000-0000-7000-8000-000000000001")
FILE = UUID("0190a000-0000-7000-8000-000000000002")
HERE = "https://bot.example"
OLD, NEW = b"o" * 32, b"n" * 32


def links_of(clock: MovableClock, *roots: bytes) -> Links:
    return Links(*Secrets(roots).derive_each("files"), clock=clock)


def token_of(links: Links, **more: timedelta) -> str:
    return links.url(HERE, TENANT, FILE, **more).removeprefix(f"{HERE}/files/")


def test_a_link_names_its_file_until_it_is_over(clock):
    links = links_of(clock, NEW)
    token = token_of(links)
    clock.advance(LINK_LIFE - timedelta(seconds=1))
    assert links.read(token) == Link(TENANT, FILE)
    clock.advance(timedelta(seconds=1))
    assert links.read(token) is None


def test_a_link_lives_five_minutes_unless_it_is_told_otherwise(clock):
    links = links_of(clock, NEW)
    token = token_of(links, life=timedelta(seconds=10))
    clock.advance(timedelta(seconds=9))
    assert links.read(token) is not None
    clock.advance(timedelta(seconds=1))
    assert links.read(token) is None
    assert timedelta(minutes=5) == LINK_LIFE


def test_a_link_of_which_any_bit_was_changed_opens_nothing(clock):
    links = links_of(clock, NEW)
    content = base64.urlsafe_b64decode(token_of(links))
    assert len(content) == 72
    for place in range(len(content) * 8):
        changed = bytearray(content)
        changed[place // 8] ^= 1 << place % 8
        assert links.read(base64.urlsafe_b64encode(changed).decode()) is None


@pytest.mark.parametrize(
    "wrong", ["", "x", "a" * 96, "a" * 97, "ä" * 96, "=" * 96, "../" * 32, "a" * 100_000]
)
def test_what_is_no_token_opens_nothing(clock, wrong):
    assert links_of(clock, NEW).read(wrong) is None


def test_a_token_has_one_spelling(clock):
    links = links_of(clock, NEW)
    token = token_of(links)
    for other in (f"{token}=", f"{token}\n", f" {token}", token[:-1], token.swapcase()):
        assert links.read(other) is None


def test_a_link_of_another_installation_opens_nothing(clock):
    assert links_of(clock, NEW).read(token_of(links_of(clock, OLD))) is None


def test_a_link_stays_good_while_the_secret_key_is_changed(clock):
    token = token_of(links_of(clock, OLD))
    assert links_of(clock, NEW, OLD).read(token) == Link(TENANT, FILE)
    assert links_of(clock, NEW).read(token) is None
    assert links_of(clock, NEW).read(token_of(links_of(clock, NEW, OLD))) == Link(TENANT, FILE)
