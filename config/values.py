"""The kinds of value that a setting can have, each with the sentence that refuses a wrong one.

A sentence never repeats the value of a setting that may hold a secret.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator

_KEY_BYTES = 32
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


def _address(*schemes: str, ending: str = "") -> Callable[[object], str]:
    """A URL with one of `schemes`. Its text is not echoed: it may hold a password."""
    wanted = " or ".join(f"{scheme}://…" for scheme in schemes)

    def check(value: object) -> str:
        text = str(value)
        try:
            parts = urlsplit(text)
            parts.port  # noqa: B018 – raises ValueError when it is no number
        except ValueError:
            raise ValueError(f"is not a valid address: set it to {wanted}") from None
        if parts.scheme not in schemes:
            raise ValueError(f"has the wrong scheme: set it to {wanted}")
        if not (parts.netloc or parts.path.strip("/")):
            raise ValueError(f"names no host: set it to {wanted}")
        if not parts.path.endswith(ending):
            raise ValueError(f"must end in {ending}")
        return text

    return check


def _port(value: object) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise ValueError(f"is {text!r}: set it to a number from 1 to 65535, or 0 for any free port")
    return int(text)


def _switch(value: object) -> bool:
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise ValueError(f"is {text!r}: set it to 1 or 0")
    return text in _TRUE


def secret_key(text: str) -> bytes:
    """One key of PARLEY_SECRET_KEY as bytes. Raises ValueError."""
    text = text.strip()
    try:
        if len(text) == 2 * _KEY_BYTES:
            return bytes.fromhex(text)
        key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != _KEY_BYTES:
        raise ValueError(
            "is not a key of 32 bytes in base64 or hex (several are separated by commas, the current one "
            "first): make one with `openssl rand -base64 32`"
        )
    return key


def _secret_keys(value: object) -> str:
    for part in str(value).split(","):
        secret_key(part)
    return str(value)


def _matching(pattern: str, wanted: str) -> Callable[[object], str]:
    """A text of that form, which is not echoed: it is a secret, or was taken for one."""
    form = re.compile(pattern)

    def check(value: object) -> str:
        text = str(value).strip()
        if not form.fullmatch(text):
            raise ValueError(wanted)
        return text

    return check


def slack_bot_token(value: object) -> str:
    """A bot's token that lasts. Raises ValueError, as the two below do: a sentence that goes behind a name."""
    if str(value).strip().startswith("xoxe."):
        raise ValueError(
            "is a token with an end, as token rotation gives it: install the app by `parley slack install-link`, or "
            "make an app without token rotation"
        )
    return _lasting_token(value)


_lasting_token = _matching(
    r"xoxb-[A-Za-z0-9-]{8,500}",
    "is no bot's token: copy the one that begins with xoxb-, from OAuth & Permissions",
)
slack_app_token = _matching(
    r"xapp-[0-9]+-[A-Za-z0-9-]{8,500}",
    "is no app-level token: make one with the scope connections:write, in Basic Information; it begins with xapp-",
)
slack_signing_secrets = _matching(
    r"[0-9a-f]{32,128}(,[0-9a-f]{32,128})*",
    "is no signing secret: copy it from Basic Information, App Credentials; it is 32 digits and letters from a to f "
    "(while it is changed: the new one, a comma, the old one)",
)

Port = Annotated[int, BeforeValidator(_port)]
Switch = Annotated[bool, BeforeValidator(_switch)]
SecretKeys = Annotated[str, BeforeValidator(_secret_keys)]
PostgresUrl = Annotated[str, BeforeValidator(_address("postgresql", "postgres"))]
RedisUrl = Annotated[str, BeforeValidator(_address("redis", "rediss", "unix"))]
HttpUrl = Annotated[str, BeforeValidator(_address("https", "http"))]
SlackBotToken = Annotated[str, BeforeValidator(slack_bot_token)]
SlackAppToken = Annotated[str, BeforeValidator(slack_app_token)]
SlackSigningSecrets = Annotated[str, BeforeValidator(slack_signing_secrets)]
SlackClientId = Annotated[
    str,
    BeforeValidator(
        _matching(r"[0-9]+\.[0-9]+", "is no client id: copy it from Basic Information, such as 123.456")
    ),
]
SlackClientSecret = Annotated[
    str,
    BeforeValidator(
        _matching(r"[0-9a-f]{32,128}", "is no client secret: copy it from Basic Information, App Credentials")
    ),
]
SlackApiUrl = Annotated[str, BeforeValidator(_address("https", "http", ending="/api/"))]
ObjectStoreUrl = Annotated[str, BeforeValidator(_address("file", "s3", "gs", "az", "abfs", "abfss"))]
