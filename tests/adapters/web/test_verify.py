from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from rehearsal import DEMO

from adapters.errors import Refused
from adapters.web.verify import is_site, origin_allowed, user_of, visitor_of

KEY = b"k" * 32
NOW = 1_800_000_000
SECRET = "a secret that the host site and we share"


def claims(**changes: Any) -> dict[str, Any]:
    usual = {
        "aud": "demo",
        "sub": "visitor:x",
        "ten": str(DEMO.tenant_id),
        "ch": str(DEMO.id),
        "iat": NOW,
        "exp": NOW + 1000,
        "typ": "visitor",
    }
    return {name: value for name, value in (usual | changes).items() if value is not ...}


def signed(payload: dict[str, Any], key: Any = KEY, algorithm: str = "HS256", **headers: Any) -> str:
    return jwt.encode(payload, key, algorithm=algorithm, headers=headers or None)


def by_hand(header: dict[str, Any], payload: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(each).encode() for each in (header, payload)] + [signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def code_of(token: str, now: float = NOW) -> str:
    with pytest.raises(Refused) as caught:
        visitor_of(token, KEY, now)
    assert caught.value.status == 401
    return caught.value.code


def test_our_own_token_names_its_visitor() -> None:
    visitor = visitor_of(signed(claims()), KEY, NOW)
    assert (visitor.site, visitor.external_id, visitor.expires_at) == ("demo", "visitor:x", NOW + 1000)
    assert (visitor.tenant_id, visitor.channel_id) == (DEMO.tenant_id, DEMO.id)


def test_expiry_is_absolute_and_has_its_own_code() -> None:
    token = signed(claims())
    assert visitor_of(token, KEY, NOW + 999.9).external_id == "visitor:x"
    assert code_of(token, NOW + 1000) == "token_expired"


def test_an_expired_token_of_a_stranger_is_only_invalid() -> None:
    assert code_of(signed(claims(exp=NOW - 1), key=b"z" * 32)) == "token_invalid"


@pytest.mark.parametrize(
    "changes",
    [
        {"nbf": NOW + 500},
        {"iat": NOW + 500},
        {"iat": ...},
        {"iat": "now"},
        {"nbf": "now"},
        {"exp": ...},
        {"exp": str(NOW + 5)},
        {"exp": NOW + 5.5},
        {"exp": True},
        {"aud": ...},
        {"aud": ["demo"]},
        {"aud": "no site!"},
        {"sub": ...},
        {"sub": ""},
        {"sub": 5},
        {"ten": ...},
        {"ten": "x"},
        {"ten": 5},
        {"ch": None},
        {"typ": ...},
        {"typ": "ticket"},
    ],
)
def test_claims_that_we_would_not_write_are_invalid(changes: dict[str, Any]) -> None:
    assert code_of(signed(claims(**changes))) == "token_invalid"


def test_forged_headers_and_signatures_are_invalid() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    good = signed(claims())
    head, body, tail = good.split(".")
    forged = [
        by_hand({"alg": "none"}, claims()),
        by_hand({"alg": "None", "typ": "JWT"}, claims()),
        by_hand({"alg": "none"}, claims(), b"x"),
        by_hand({"typ": "JWT"}, claims()),
        by_hand({"alg": ["HS256"]}, claims()),
        signed(claims(), private, "RS256"),
        signed(claims(), KEY * 2, "HS512"),
        signed(claims(), public.replace(b"-", b""), "HS256"),
        signed(claims(), b"z" * 32),
        signed(claims(), kid="another"),
        signed(claims(), jwk={"kty": "oct", "k": base64.urlsafe_b64encode(b"z" * 32).decode()}),
        signed(claims(), jku="https://evil.example/keys"),
        signed(claims(), x5c=["x"]),
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}..{tail}",
        f"{head}.{body}.{tail[:-2]}AA",
        f"{good}.x",
        "",
        "x",
        "…",
        "é.é.é",
        by_hand({"alg": "HS256"}, claims()) + "\0",
    ]
    for token in forged:
        assert code_of(token) == "token_invalid", token


def test_a_payload_that_is_no_object_is_invalid() -> None:
    token = jwt.api_jws.PyJWS().encode(b"[1]", KEY, "HS256")
    assert code_of(token) == "token_invalid"


def user_claims(**changes: Any) -> dict[str, Any]:
    usual = {"sub": "42", "aud": "demo", "exp": NOW + 3600}
    return {name: value for name, value in (usual | changes).items() if value is not ...}


def test_the_host_sites_user_is_taken_on_its_word() -> None:
    assert user_of(signed(user_claims(), SECRET), SECRET, "demo", NOW) == "user:42"
    assert user_of(signed(user_claims(name="Ada", iat=NOW), SECRET), SECRET, "demo", NOW) == "user:42"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": NOW + 7200}, "user_token_invalid"),
        ({"exp": ...}, "user_token_invalid"),
        ({"exp": NOW}, "user_token_expired"),
        ({"aud": "other"}, "user_token_invalid"),
        ({"aud": ["demo"]}, "user_token_invalid"),
        ({"aud": ...}, "user_token_invalid"),
        ({"sub": ...}, "user_token_invalid"),
        ({"sub": ""}, "user_token_invalid"),
        ({"sub": 42}, "user_token_invalid"),
        ({"sub": "a\0b"}, "user_token_invalid"),
        ({"sub": "x" * 201}, "user_token_invalid"),
        ({"nbf": NOW + 500}, "user_token_invalid"),
        ({"iat": NOW + 500}, "user_token_invalid"),
    ],
)
def test_a_host_sites_token_that_is_not_as_agreed_is_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as caught:
        user_of(signed(user_claims(**changes), SECRET), SECRET, "demo", NOW)
    assert (caught.value.status, caught.value.code) == (401, code)


@pytest.mark.parametrize("secret", [None, "", "another secret of some thirty-two bytes"])
def test_without_the_shared_secret_no_user_is_believed(secret: str | None) -> None:
    with pytest.raises(Refused) as caught:
        user_of(signed(user_claims(), SECRET), secret, "demo", NOW)
    assert caught.value.code == "user_token_invalid"


def test_our_own_token_is_no_host_sites_token() -> None:
    with pytest.raises(Refused):
        user_of(signed(claims(), KEY), SECRET, "demo", NOW)


@pytest.mark.parametrize(
    ("origin", "allowed", "expected"),
    [
        ("https://shop.example", ["https://shop.example"], True),
        ("https://SHOP.example", ["https://shop.example/"], True),
        ("http://shop.example", ["https://shop.example"], False),
        ("https://shop.example:8443", ["https://shop.example"], False),
        ("https://shop.example.evil.test", ["https://shop.example"], False),
        ("https://evilshop.example", ["https://shop.example"], False),
        ("https://shop.example@evil.test", ["https://shop.example"], False),
        ("https://a.shop.example", ["https://shop.example"], False),
        ("null", ["https://shop.example"], False),
        ("", ["https://shop.example"], False),
        ("http://bot.example:8080", ["https://shop.example"], False),
        ("http://bot.example:8080", [], True),
        ("https://bot.example:8080", [], True),
        ("http://bot.example", [], False),
        ("http://bot.example:8080.evil.test", [], False),
        ("http://xbot.example:8080", [], False),
        ("file://bot.example:8080", [], False),
        ("null", [], False),
        ("", [], False),
        ("bot.example:8080", [], False),
    ],
)
def test_origins_are_compared_whole(origin: str, allowed: list[str], *, expected: bool) -> None:
    assert origin_allowed(origin, "bot.example:8080", allowed) is expected


def test_site_keys_are_plain_names() -> None:
    assert all(is_site(site) for site in ("demo", "a", "shop.example_1-x", "x" * 64))
    assert not any(
        is_site(site) for site in ("", "a b", "../x", "a\0", "x" * 65, None, 3, ["demo"], "é", "demo\n")
    )
